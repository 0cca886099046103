import { createHash } from 'node:crypto';
import type { Mapping } from '../../../core/mapping/record.ts';
import type { Digest } from '../../../core/oci/digest.ts';

/** Where the mirror of the table keeps its images. */
export const podMirrorHost = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
export const podMirrorPrefix = `${podMirrorHost}/mirror`;

/** A digest that depends on a text only. */
export function digestOf(text: string): Digest {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** What is mirrored: upstream repositories with the mirror's repository and their references. */
const repositories: readonly [upstream: string, mirror: string, references: readonly string[]][] = [
  ['docker.io/library/nginx', 'docker.io/library/nginx', ['1.27', '1.27.1', 'latest', '1.2.7-alpine3.22']],
  ['docker.io/library/redis', 'docker.io/library/redis', ['7', digestOf('an old redis')]],
  ['docker.io/acme/shop', 'docker.io/acme/shop', ['1.0', 'latest', '_x', 'V-2_3.4']],
  // Not the registry localhost, but a user of that name.
  ['docker.io/localhost/app', 'docker.io/localhost/app', ['1']],
  ['ghcr.io/acme/tool', 'ghcr.io/acme/tool', ['v1', 'v1.1', 'latest', 'f'.repeat(128)]],
  ['ghcr.io/acme/tool/cli', 'ghcr.io/acme/tool/cli', ['v1']],
  ['ghcr.io/acme/a__b--c.d/e', 'ghcr.io/acme/a-b-c.d/e.0123456789', ['1']],
  ['quay.io/org/team/group/deep', 'quay.io/org/team/group/deep', ['2026-11-30']],
  ['localhost/app', 'localhost/app', ['1']],
  ['localhost:5000/app', 'localhost_5000/app', ['1', 'latest']],
  ['registry.example:8443/team/app', 'registry.example_8443/team/app', ['1', '10']],
  ['127.0.0.1:5000/app', '127.0.0.1_5000/app', ['1']],
  ['[2001:db8::1]:5000/app', '2001-db8-1-5000/app.0123456789', ['1']],
  ['REGISTRY/app', 'registry/app.0123456789', ['1']],
];

/** The mappings of the table of pods. */
export function podMappings(): Mapping[] {
  return repositories.flatMap(([upstream, repository, references]) =>
    references.map((reference, index) => {
      const byDigest = reference.startsWith('sha256:');
      const image = `${upstream}${byDigest ? '@' : ':'}${reference}`;
      const sourceDigest = byDigest ? (reference as Digest) : digestOf(image);
      // A platform filter has made another index of these.
      const isFiltered = upstream === 'quay.io/org/team/group/deep';
      return mappingOf({
        image,
        repository,
        reference,
        sourceDigest,
        digest: isFiltered ? digestOf(`${image} amd64`) : sourceDigest,
        mirroredAt: new Date(Date.UTC(2026, 10, 1, index)).toISOString(),
      });
    }),
  );
}

interface MappedReference extends Pick<Mapping, 'image' | 'sourceDigest' | 'digest' | 'mirroredAt'> {
  /** In the mirror, without its prefix. */
  repository: string;
  reference: string;
}

function mappingOf({
  image,
  repository,
  reference,
  sourceDigest,
  digest,
  mirroredAt,
}: MappedReference): Mapping {
  const pinned = `${podMirrorPrefix}/${repository}@${digest}`;
  const mirror = reference.startsWith('sha256:') ? pinned : `${podMirrorPrefix}/${repository}:${reference}`;
  return {
    image,
    mirror,
    digest,
    pinned,
    sourceDigest,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    platforms: ['linux/amd64'],
    sizeBytes: 1_000,
    pin: false,
    regions: { 'eu-west-1': { mirror, digest } },
    observedAt: mirroredAt,
    mirroredAt,
    revision: 1,
    job: 'job-of-the-table',
  };
}

/**
 * Further mappings of other images, so many: what makes a table as large as it is in use. Thirty
 * tags a repository.
 */
export function fillerMappings(count: number): Mapping[] {
  return Array.from({ length: count }, (_, index) => {
    const repository = `ghcr.io/filler-${Math.floor(index / 30) % 37}/app-${Math.floor(index / 30)}`;
    const reference = `1.${index % 30}.0`;
    const image = `${repository}:${reference}`;
    const mirroredAt = new Date(Date.UTC(2026, 9, 1) + index * 1_000).toISOString();
    const digest = digestOf(image);
    return mappingOf({ image, repository, reference, sourceDigest: digest, digest, mirroredAt });
  });
}
