import { describe, expect, it } from 'vitest';
import { describeSteps, describeWebhook, masked } from '../../../../cli/webhooks/describe.ts';
import { hasSecrets } from '../../../../cli/webhooks/find.ts';
import { plainText } from '../../../../cli/webhooks/plain-text.ts';
import { sources } from '../../../../core/webhooks/sources/index.ts';
import { presentedWebhooks } from '../../../support/webhooks-api.ts';

const [github, hub, registry] = presentedWebhooks('https://api.example') as [
  ReturnType<typeof presentedWebhooks>[0],
  ReturnType<typeof presentedWebhooks>[0],
  ReturnType<typeof presentedWebhooks>[0],
];
const now = Date.parse('2026-11-24T12:00:00Z');

describe('a webhook for people', () => {
  it.each([
    ['2026-11-24T11:59:30Z', 'just now'],
    ['2026-11-24T11:01:00Z', '59 min ago'],
    ['2026-11-22T12:30:00Z', '47 h ago'],
    ['2026-11-20T12:00:00Z', '4 d ago'],
    ['2026-11-24T12:00:05Z', 'just now'],
  ])('says that an event arrived at %s', (deliveredAt, age) => {
    expect(describeWebhook({ ...hub, deliveredAt }, now)).toContain(
      `  events    the last one arrived ${age}; none has led to a job yet`,
    );
  });

  it('warns of a refusal only until something arrives, and shows no control characters', () => {
    const refused = { ...hub, refusedAt: '2026-11-24T11:50:00Z', refusedFor: 'other_code: \u001b[2Jx' };
    expect(describeWebhook(refused, now)).toContain(
      '  warning   a delivery was refused 10 min ago: other_code:  [2Jx',
    );
    expect(describeWebhook({ ...refused, deliveredAt: '2026-11-24T11:51:00Z' }, now)).toContain(
      '  refused   a delivery was refused 10 min ago: other_code:  [2Jx; others have arrived since',
    );
  });

  it('says until when the previous secret is accepted', () => {
    const retiredUntil = '2026-11-24T13:00:00Z';
    const line = `  rotated   the previous secret is accepted until ${retiredUntil}`;
    expect(describeWebhook({ ...hub, retiredUntil }, now)).toContain(line);
    expect(describeWebhook({ ...hub, retiredUntil }, now + 3_600_001)).not.toContain(line);
  });

  it.each([github, hub, registry])('shows no secret of $name when it is masked', (webhook) => {
    const safe = masked(webhook);
    const shown = [...describeWebhook(safe), ...describeSteps(safe)].join('\n');
    expect(shown).not.toContain(`${webhook.name}-secret`);
    expect(describeWebhook(webhook).join('\n')).toContain(`${webhook.name}-secret`);
  });

  it('knows whether the API included the secret', () => {
    const { secret: _, ...reader } = github;
    const url = 'https://api.example/webhooks/hub/…';
    expect(
      [github, hub, reader, { ...hub, url }, { ...hub, url: new URL(url).href }].map(hasSecrets),
    ).toEqual([true, true, false, false, false]);
  });
});

describe('a guide without Markdown', () => {
  it('keeps what is code, and what is not emphasis', () => {
    expect(
      plainText(
        '**Then.** Choose *New webhook*, then *Save*; see <https://x.example/a>. Patterns: `a/*` and `*/b*` and `**`',
      ),
    ).toBe(
      'Then. Choose New webhook, then Save; see https://x.example/a. Patterns: `a/*` and `*/b*` and `**`',
    );
    expect(plainText('Write:\n\n```yaml\na:\n  b: 1\n```')).toBe('Write:\n\na:\n  b: 1');
  });

  it.each(sources)('leaves no mark-up in the steps of $name', ({ guide }) => {
    for (const step of guide.steps) expect(plainText(step)).not.toMatch(/```|(?<!\w)\*[A-Z]|<http/);
  });
});
