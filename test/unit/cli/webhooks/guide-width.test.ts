import { describe, expect, it } from 'vitest';
import { describeSteps, describeWebhook } from '../../../../cli/webhooks/describe.ts';
import { parseConfig } from '../../../../core/mirror-yaml/parse.ts';
import { configuredWebhooks } from '../../../../core/webhooks/find-webhook.ts';
import { sourcePage } from '../../../../core/webhooks/guide.ts';
import { presentWebhook } from '../../../../core/webhooks/present-webhook.ts';
import { newWebhookState } from '../../../../core/webhooks/secrets/state.ts';
import { sources } from '../../../../core/webhooks/sources/index.ts';

const origin = 'https://abcdefghij.execute-api.eu-west-1.amazonaws.com';

/** The webhook of the example on a source's page, as a deployment shows it to its operator. */
function exampleOf(source: (typeof sources)[number]) {
  const yaml = /```yaml\n(.*?)\n```/s.exec(sourcePage(source))?.[1];
  const parsed = parseConfig(`version: 1\nmirror: { regions: [eu-west-1] }\n${yaml}\n`);
  const [configured] = parsed.ok ? configuredWebhooks(parsed.config) : [];
  if (configured === undefined) throw new Error(`the example of ${source.name} is not valid`);
  const now = new Date(0);
  return presentWebhook(configured, newWebhookState, { roots: { root: 'a root' }, origin, now });
}

describe('a guide on a terminal of 80 columns', () => {
  it.each(sources.map((source) => [source.name, source] as const))(
    '%s: only what is to be copied is longer',
    (_, source) => {
      const webhook = exampleOf(source);
      const lines = [...describeWebhook(webhook, 0, 80), ...describeSteps(webhook, 80)];
      const code = webhook.steps.join('\n');
      for (const line of lines.filter(({ length }) => length > 80)) {
        const isWord = /^ *(URL|secret|See)? +\S+$/.test(line);
        const isCode = code.includes(line.trim()) && /```|`[^`]{60,}`/.test(code);
        expect(isWord || isCode, line).toBe(true);
      }
      expect(lines.some(({ length }) => length > 60)).toBe(true);
    },
  );

  it('puts a URL on a line of its own if only that makes it fit', () => {
    const [, github] = sources;
    if (github === undefined) throw new Error('no source');
    expect(describeWebhook(exampleOf(github), 0, 80).slice(1, 3)).toEqual([
      '  URL',
      `          ${origin}/webhooks/github`,
    ]);
  });
});
