import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isMap, parse, parseDocument, type YAMLMap } from 'yaml';

const root = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Schema {
  properties?: Record<string, Schema>;
}

/** What values.yaml leaves to Kubernetes' own types. */
const opaque = ['webhook.resources'];

/** All keys below a map, with whether a comment stands above each. */
function keysOf(map: YAMLMap, before = ''): { path: string; isExplained: boolean }[] {
  return map.items.flatMap(({ key, value }, index) => {
    const { value: name, commentBefore } = key as { value: string; commentBefore?: string };
    const path = `${before}${name}`;
    // The comment of a map's first key belongs to the map in this parser.
    const isExplained = Boolean(commentBefore ?? (index === 0 ? map.commentBefore : undefined));
    const below = isMap(value) && !opaque.includes(path) ? keysOf(value as YAMLMap, `${path}.`) : [];
    return [{ path, isExplained }, ...below];
  });
}

function schemaKeys({ properties = {} }: Schema, before = ''): string[] {
  return Object.entries(properties).flatMap(([name, schema]) => [
    `${before}${name}`,
    ...schemaKeys(schema, `${before}${name}.`),
  ]);
}

describe('charts/drayage', () => {
  const document = parseDocument(read('charts/drayage/values.yaml'));
  const keys = keysOf(document.contents as YAMLMap);

  it('has the version of the package', () => {
    const { version } = JSON.parse(read('package.json'));
    expect(parse(read('charts/drayage/Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });

  it('explains every value where it stands', () => {
    const first = keys.filter(({ path }) => path === 'mode' && document.commentBefore);
    const unexplained = keys.filter((each) => !each.isExplained && !first.includes(each));
    expect(unexplained.map(({ path }) => path)).toEqual([]);
  });

  it('has the same values in its schema', () => {
    const { properties } = JSON.parse(read('charts/drayage/values.schema.json')) as Schema;
    const known = schemaKeys({ properties }).filter(
      // Helm adds it for parent charts; the keys of an issuer have no defaults.
      (path) => path !== 'global' && !path.startsWith('webhook.tls.issuerRef.'),
    );
    expect(keys.map(({ path }) => path).sort()).toEqual(known.sort());
  });

  it('explains what matters in its README', () => {
    const readme = read('charts/drayage/README.md');
    for (const { path } of keys.filter(({ path }) => !path.includes('.')))
      expect(readme, path).toContain(`\`${path}`);
  });
});
