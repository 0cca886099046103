import { describe, expect, it } from 'vitest';
import { exampleImage } from '../../../../cli/local/example-image.ts';
import type { StoredMapping } from '../../../../core/mapping/record.ts';
import { parseConfig } from '../../../../core/mirror-yaml/parse.ts';

function example(rules: string, mapped: string[] = []) {
  const parsed = parseConfig(
    `version: 1\nmirror: { regions: [eu-west-1] }\nupstreams: [{ registry: ghcr.io, repositories: [${rules}] }]`,
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  const mappings = mapped.map((reference) => ({
    key: { registry: 'ghcr.io', repository: 'acme/shop', reference },
  })) as StoredMapping[];
  const found = exampleImage(parsed.config, ['docker.io', 'ghcr.io'], mappings);
  return found && `${found.repository}:${found.tag}${found.isReal ? '' : ' (form)'}`;
}

describe('an example image to try', () => {
  it.each([
    ['is a mirrored one', '{ match: "acme/**" }', [`sha256:${'a'.repeat(64)}`, '1.0'], 'acme/shop:1.0'],
    [
      'is not one that the rules no longer name',
      '{ match: acme/web }, { match: acme/shop, tags: { exclude: ["1.*"] } }',
      ['1.0'],
      'acme/web:latest',
    ],
    [
      'has a tag that the rule names',
      '{ match: acme/web, tags: { include: ["1.*", edge] } }',
      [],
      'acme/web:edge',
    ],
    [
      'comes from the first rule without patterns',
      '{ match: "acme/*" }, { match: tools/x }',
      [],
      'tools/x:latest',
    ],
    [
      'is only a pattern if the rules name none',
      '{ match: "acme/**", tags: { include: ["1.*"] } }',
      [],
      'acme/REPOSITORY:1.TAG (form)',
    ],
    [
      'has no tag that the rule leaves out',
      '{ match: acme/web, tags: { semver: ">=1" } }',
      [],
      'acme/web:TAG (form)',
    ],
    ['has one name for all that a pattern crosses', '{ match: "**" }', [], 'REPOSITORY:TAG (form)'],
  ])('%s', (_, rules, mapped, expected) => {
    expect(example(rules, mapped)).toBe(expected);
  });

  it('does not exist without rules', () => expect(example('')).toBeUndefined());
});
