import { describe, expect, it } from 'vitest';
import { proseWidth, wrapped } from '../../../../cli/terminal/wrap.ts';
import { describeSteps, describeWebhook } from '../../../../cli/webhooks/describe.ts';
import { presentedWebhooks } from '../../../support/webhooks-api.ts';

describe('the width of prose', () => {
  it.each([
    [{ isTTY: true, columns: 80 }, 80],
    [{ isTTY: true, columns: 300 }, 120],
    [{ isTTY: true, columns: 0 }, Number.POSITIVE_INFINITY],
    [{ isTTY: false, columns: 80 }, Number.POSITIVE_INFINITY],
  ])('is, on %j, %d', (stream, width) => {
    expect(proseWidth(stream)).toBe(width);
  });
});

describe('wrapped prose', () => {
  it('continues below itself, and breaks neither words nor code', () => {
    expect(wrapped('  1. ', 'Choose `a b c d e f`, then https://long.example/path', 20)).toEqual([
      '  1. Choose',
      '     `a b c d e f`,',
      '     then',
      '     https://long.example/path',
    ]);
  });

  it('is one line without a width', () => {
    expect(wrapped('- ', 'a b', Number.POSITIVE_INFINITY)).toEqual(['- a b']);
  });

  it('leaves commands as they are, and wraps what comes after them', () => {
    const command = `run ${'--option value '.repeat(9)}\\\n  --last`;
    const steps = [`Run:\n\n\`\`\`sh\n${command}\n\`\`\`\n\nThen look whether it worked at all.`];
    const [webhook] = presentedWebhooks('https://api.example');
    if (webhook === undefined) throw new Error('no webhook');
    expect(describeSteps({ ...webhook, steps }, 30)).toEqual([
      '  1. Run:',
      '',
      ...command.split('\n').map((line) => `     ${line}`),
      '',
      '     Then look whether it',
      '     worked at all.',
      '  See',
      ' https://docs.example/webhooks',
    ]);
    expect(describeWebhook({ ...webhook, where: 'here '.repeat(9).trim() }, 0, 30)).toContain(
      '  enter it  here here here',
    );
  });
});
