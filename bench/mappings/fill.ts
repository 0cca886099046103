import { createHash } from 'node:crypto';
import { BatchWriteCommand } from '@aws-sdk/lib-dynamodb';
import { type TagItem, tagItemKey } from '../../core/aws/dynamodb/mappings/tag-item.ts';
import { openTable } from '../../core/aws/dynamodb/table.ts';
import type { TagKey } from '../../core/mapping/record.ts';
import type { Digest } from '../../core/oci/digest.ts';

/** How many tags each repository has. */
export const tagsPerRepository = 50;
const registries = ['docker.io', 'ghcr.io', 'quay.io', 'public.ecr.aws'];
/** BatchWriteItem takes at most this many items. */
const batchSize = 25;

/** The nth of many tags, in their order of creation: fifty in every repository. */
export function tagOf(n: number): TagKey {
  const repository = Math.floor(n / tagsPerRepository);
  const registry = registries[repository % registries.length] ?? '';
  return {
    registry,
    repository: `team-${repository % 97}/service-${repository}`,
    reference: `1.${n % tagsPerRepository}.0`,
  };
}

/** Which tags a table is filled with. */
export interface Filling {
  tagsPerRepository: number;
  tagOf(n: number): TagKey;
  /** How many writes are under way at once; 8 by default. */
  batchesAtOnce?: number;
  /** The policy under which all were mirrored; by default each has its own. */
  fingerprint?: string;
}

/** The digest of the nth tag. */
export function digestOfTag(n: number): Digest {
  return `sha256:${createHash('sha256').update(`image ${n}`).digest('hex')}`;
}

/** A tag's item, as a publication leaves it. Its digests and ids are random, as in reality. */
function itemOf(n: number, { tagOf, fingerprint }: Filling): TagItem {
  const key = tagOf(n);
  const digest = digestOfTag(n);
  const job = createHash('sha256').update(`job ${n}`).digest('hex').slice(0, 26).toUpperCase();
  const at = new Date(Date.UTC(2026, 0, 1) + n * 60_000).toISOString();
  return {
    ...tagItemKey(key),
    events: 3,
    lastJob: job,
    resolves: 3,
    fence: 3,
    revision: 3,
    committed: {
      event: 3,
      resolve: 3,
      fingerprint: fingerprint ?? digest.slice(7, 23),
      sourceDigest: digest,
    },
    mapping: {
      mirrorRepository: `mirror/${key.registry}/${key.repository}`,
      digest,
      sourceDigest: digest,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      platforms: ['linux/amd64', 'linux/arm64/v8'],
      sizeBytes: 50_000_000 + n * 1_001,
      pin: false,
      region: 'eu-west-1',
      observedAt: at,
      mirroredAt: at,
      job,
      referrers: { copied: 1, missing: [] },
    },
    publication: crypto.randomUUID(),
    listed: true,
  };
}

/** Fills the table of a local stack with the mappings of so many tags. */
export async function fillTable(
  endpoint: string,
  name: string,
  count: number,
  filling: Filling = { tagsPerRepository, tagOf },
): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const { client } = openTable(name, { endpoint, region: 'eu-west-1', credentials });
  const write = (items: object[]) =>
    client.send(
      new BatchWriteCommand({ RequestItems: { [name]: items.map((Item) => ({ PutRequest: { Item } })) } }),
    );
  const repositories = Array.from(
    { length: Math.ceil(count / filling.tagsPerRepository) },
    (_, n): Record<string, unknown>[] => {
      const { registry, repository } = filling.tagOf(n * filling.tagsPerRepository);
      return [
        { pk: 'repos', sk: `${registry}/${repository}` },
        { pk: 'mirrors', sk: `mirror/${registry}/${repository}`, registry, repository },
      ];
    },
  ).flat();
  try {
    let next = 0;
    const total = repositories.length + count;
    const itemAt = (n: number) => repositories[n] ?? itemOf(n - repositories.length, filling);
    const writer = async () => {
      while (next < total) {
        const start = next;
        next = Math.min(total, start + batchSize);
        await write(Array.from({ length: next - start }, (_, position) => itemAt(start + position)));
      }
    };
    await Promise.all(Array.from({ length: filling.batchesAtOnce ?? 8 }, writer));
    const at = new Date(Date.now() - 120_000).toISOString();
    await write([
      { pk: 'registries', sk: 'eu-west-1', host: '123456789012.dkr.ecr.eu-west-1.amazonaws.com' },
      { pk: 'snapshot', sk: 'changes', count, at },
    ]);
  } finally {
    client.destroy();
  }
}
