import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../../core/mirror-yaml/json-schema.ts';
import { parseConfig } from '../../../core/mirror-yaml/parse.ts';
import { arbitraryFile } from './arbitrary-file.ts';
import { withUpstream } from './config-text.ts';

const judge = new Ajv2020({ strict: false, allErrors: true }).compile(configJsonSchema());
const root = join(import.meta.dirname, '../../..');
const least = 'version: 1\nmirror: { regions: [eu-west-1]';

describe('the JSON Schema of mirror.yaml', () => {
  it('accepts every file that validate accepts', () => {
    fc.assert(
      fc.property(arbitraryFile, (file) => {
        expect(judge(file), JSON.stringify(judge.errors)).toBe(true);
      }),
    );
    const example = parse(readFileSync(join(root, 'mirror.yaml'), 'utf8'));
    expect(judge(example), JSON.stringify(judge.errors)).toBe(true);
  });

  it.each([
    ['no version', 'mirror: { regions: [eu-west-1] }'],
    ['another version', 'version: 2\nmirror: { regions: [eu-west-1] }'],
    ['no region', 'version: 1\nmirror: { regions: [] }'],
    ['what is not a region', 'version: 1\nmirror: { regions: [Ireland] }'],
    ['an unknown key', `${least} }\nupstream: []`],
    ['a misspelt key', withUpstream('  - { registry: docker.io, repos: [] }')],
    ['an upstream without a registry', withUpstream('  - { repositories: [] }')],
    [
      'tags as a text',
      withUpstream('  - { registry: a.io, repositories: [{ match: "a/b", tags: latest }] }'),
    ],
    ['a duration without a unit', `${least}, history: "30" }`],
    [
      'a wrong choice',
      withUpstream('  - { registry: a.io, repositories: [{ match: "a/b", deleted: never }] }'),
    ],
    ['credentials of an unknown kind', withUpstream('  - { registry: a.io, credentials: { user: x } }')],
    ['an account as a number', `${least}, repository: { pullAccounts: [1] } }`],
  ])('refuses what validate refuses: %s', (_, text) => {
    expect(parseConfig(text).ok).toBe(false);
    expect(judge(parse(text))).toBe(false);
  });

  it('leaves to validate what only code can check', () => {
    const text = withUpstream('  - { registry: a.io, repositories: [{ match: "a//b" }] }');
    expect(parseConfig(text).ok).toBe(false);
    expect(judge(parse(text))).toBe(true);
  });

  it('describes each key', () => {
    const text = JSON.stringify(configJsonSchema());
    expect(text).toContain('"description":"A list of AWS regions. Example: [eu-west-1]"');
    expect(text).not.toMatch(/"(what|example|wrap|missing)":/);
  });
});
