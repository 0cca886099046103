import type { YamlDocument, YamlPath } from './read-yaml.ts';

/** Keys that are read and checked and have no effect in this version, with what to know about each; `*` is any item of a list. */
export const keysWithoutEffect: readonly { key: string; message: string }[] = [
  {
    key: 'mirror.repository.pullAccounts',
    message: 'give the accounts access in the repositories’ policies yourself',
  },
  {
    key: 'mirror.repository.organizations',
    message: 'give the organizations access in the repositories’ policies yourself',
  },
  {
    key: 'mirror.repository.lifecycle',
    message: 'set lifecycle policies in the mirror’s repositories yourself',
  },
  {
    key: 'upstreams.*.repositories.*.reconcile',
    message: 'what no webhook told is not mirrored by itself: request it (POST /v1/mirrors)',
  },
  { key: 'upstreams.*.repositories.*.deleted', message: 'mappings stay when an image is deleted upstream' },
];

/** A key of the file that has no effect, and what to know about that. */
export interface KeyWithoutEffect {
  path: YamlPath;
  message: string;
}

/** Those of the keys that a file has. */
export function findKeysWithoutEffect({ value }: Pick<YamlDocument, 'value'>): KeyWithoutEffect[] {
  return keysWithoutEffect.flatMap(({ key, message }) =>
    find(value, key.split('.'), []).map((path) => ({
      path,
      message: `has no effect in this version: ${message}`,
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
  return find((value as Record<string, unknown>)[key], rest, [...path, key]);
}
