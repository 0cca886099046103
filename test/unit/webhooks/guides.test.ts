import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { presentWebhook } from '../../../core/webhooks/present-webhook.ts';
import { newWebhookState } from '../../../core/webhooks/secrets/state.ts';
import { sources } from '../../../core/webhooks/sources/index.ts';
import { generatedFiles } from '../../../docs/generate.ts';
import { origin } from './deliver.ts';
import { sourceSubject } from './source-subject.ts';

const root = join(import.meta.dirname, '../../..');

describe('the pages of the sources', () => {
  it.each([...generatedFiles()])('%s is what `npm run docs` writes', (file, content) => {
    expect(readFileSync(join(root, file), 'utf8')).toBe(content);
  });

  it('are there for every source, and for no other', () => {
    const pages = readdirSync(join(root, 'docs/webhooks')).sort();
    expect(pages).toEqual(sources.map(({ name }) => `${name}.md`).sort());
  });

  it('leave no placeholder', () => {
    for (const [file, content] of generatedFiles())
      if (file.startsWith('docs/webhooks/'))
        expect(content).not.toMatch(/\{(url|secret|header|name|registry)\}|undefined/);
  });

  it('are those of the senders that mirror.yaml has always named', () => {
    const names =
      'dockerhub github quay harbor distribution gitlab acr gar artifactory nexus gitea forgejo ecr zot cdevents generic';
    expect(sources.map(({ name }) => name)).toEqual(names.split(' '));
  });
});

describe.each(['acr', 'cdevents'] as const)('the steps of %s', (name) => {
  it('mention a header only if the secret is in one', async () => {
    const configured = (await sourceSubject(name)).webhook();
    const stepsWith = (authentication: string) => {
      const webhook = {
        ...configured.webhook,
        options: configured.source.optionsSchema.parse({ authentication }) as Record<string, unknown>,
      };
      const presented = presentWebhook({ ...configured, webhook }, newWebhookState, {
        origin,
        now: new Date(0),
      });
      return presented.steps.join('\n');
    };
    expect(stepsWith('header')).toContain('`Authorization');
    expect(stepsWith('path')).not.toMatch(/Authorization|[Hh]eaders?:? `|--headers|header ``/);
  });
});
