import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sources } from '../../../core/webhooks/sources/index.ts';
import { generatedFiles } from '../../../docs/generate.ts';

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
      if (file !== 'README.md')
        expect(content).not.toMatch(/\{(url|secret|header|name|registry)\}|undefined/);
  });

  it('are those of the senders that mirror.yaml has always named', () => {
    const names =
      'dockerhub github quay harbor distribution gitlab acr gar artifactory nexus gitea forgejo ecr zot cdevents generic';
    expect(sources.map(({ name }) => name)).toEqual(names.split(' '));
  });
});
