import type { YamlDocument, YamlPath } from './read-yaml.ts';

/**
 * Keys that are read and checked but have no effect in this version, with advice for each; `*` is
 * any item of a list.
 */
export const keysWithoutEffect: readonly { key: string; message: string }[] = [
  {
    key: 'mirror.repository.pullAccounts',
    message: 'grant the accounts access in the repositories’ policies yourself',
  },
  {
    key: 'mirror.repository.organizations',
    message: 'grant the organizations access in the repositories’ policies yourself',
  },
  {
    key: 'mirror.repository.lifecycle',
    message: 'set lifecycle policies in the mirror’s repositories yourself',
  },
];

/**
 * Keys that this version’s stack refuses (`lib/image-mirror-props.ts`); `drayage local` runs
 * anyway.
 */
export const keysThatTheStackRefuses: typeof keysWithoutEffect = [
  { key: 'mirror.regions.1', message: 'so far, the stack mirrors into one region only; name one' },
  { key: 'network.vpc', message: 'the functions can’t run in a VPC yet; remove the key' },
  {
    key: 'upstreams.*.credentials.type',
    message: 'so far, the functions only read credentials from a secret; write {secret: …}',
  },
];

/** A key of the file that has no effect, and what to do about it. */
export interface KeyWithoutEffect {
  path: YamlPath;
  message: string;
}

/** The ones of these keys that the file has. */
export function findKeysWithoutEffect({ value }: Pick<YamlDocument, 'value'>): KeyWithoutEffect[] {
  const all = [
    ...keysWithoutEffect.map((each) => ({ ...each, what: 'has no effect in this version' })),
    ...keysThatTheStackRefuses.map((each) => ({ ...each, what: 'is refused by cdk synth in this version' })),
  ];
  return all.flatMap(({ key, message, what }) =>
    find(value, key.split('.'), []).map((path) => ({ path, message: `${what}: ${message}` })),
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
