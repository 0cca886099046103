import type { YamlDocument, YamlPath } from './read-yaml.ts';

/**
 * Keys that this version’s stack refuses (`lib/image-mirror-props.ts`), with advice for each;
 * `drayage local` runs anyway. `*` is any item of a list.
 */
const keysThatTheStackRefuses: readonly { key: string; message: string }[] = [
  { key: 'mirror.regions.1', message: 'so far, the stack mirrors into one region only; name one' },
];

/** The ones of these keys that the file has, and what to do about them. */
export function findRefusedKeys({
  value,
}: Pick<YamlDocument, 'value'>): { path: YamlPath; message: string }[] {
  return keysThatTheStackRefuses.flatMap(({ key, message }) =>
    find(value, key.split('.'), []).map((path) => ({
      path,
      message: `is refused by cdk synth in this version: ${message}`,
    })),
  );
}

function find(value: unknown, [key, ...rest]: string[], path: YamlPath): YamlPath[] {
  if (key === undefined) return [path];
  if (typeof value !== 'object' || value === null) return [];
  if (key === '*') {
    return Array.isArray(value) ? value.flatMap((item, index) => find(item, rest, [...path, index])) : [];
  }
  if (!Object.hasOwn(value, key)) return [];
  const at = Array.isArray(value) ? Number(key) : key;
  return find((value as Record<string, unknown>)[key], rest, [...path, at]);
}
