import { createHash } from 'node:crypto';
import type { Config } from '../config/config.ts';

/**
 * What Amazon ECR accepts as a repository name.
 * https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
 */
const ecrName = /^(?:[a-z0-9]+(?:[._-][a-z0-9]+)*\/)*[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const longestName = 256;

/** The ending of a name that was made valid. */
const hashedName = /\.[0-9a-f]{10}$/;
const hashLength = 10;

/**
 * The mirror's repository for an upstream repository: `<prefix>/<registry>/<repository>`, with a
 * port written as `host_5000`.
 *
 * A name that ECR does not accept becomes a readable valid form, a dot and ten hex digits of the
 * SHA-256 of the original. So that no two repositories ever share a name, the same is done to names
 * that only look converted: those with the same kind of ending, and those of a registry with `_` in
 * its name, which could stand for another one's port.
 *
 * @param registry as in references: `docker.io`, `127.0.0.1:5000`
 * @param repository the whole path, as in normalised references: `library/nginx`
 */
export function mirrorRepository(config: Config, registry: string, repository: string): string {
  const prefix = config.mirror.repositoryPrefix;
  const plain = `${prefix}/${registry.replace(/:(\d+)$/, '_$1')}/${repository}`;
  const distinct = !/[_/]/.test(registry) && !hashedName.test(plain);
  if (distinct && plain.length <= longestName && ecrName.test(plain)) return plain;

  const original = `${prefix}/${registry}/${repository}`;
  const hash = createHash('sha256').update(original).digest('hex').slice(0, hashLength);
  return `${readable(plain, longestName - hashLength - 1)}.${hash}`;
}

/**
 * Lower case, other characters as `-`, one separator at a time and none at the ends of a component.
 */
function readable(name: string, maxLength: number): string {
  const components = name
    .toLowerCase()
    .replace(/[^a-z0-9._/-]/g, '-')
    .split('/')
    .map((component) => component.replace(/([._-])[._-]+/g, '$1').replace(/^[._-]|[._-]$/g, ''));
  return components
    .filter((component) => component !== '')
    .join('/')
    .slice(0, maxLength)
    .replace(/[._/-]$/, '');
}
