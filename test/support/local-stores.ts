import { DynamoJobStore } from '../../core/aws/dynamodb/job-store.ts';
import { DynamoMappingStore } from '../../core/aws/dynamodb/mappings/mapping-store.ts';
import { openTable, type Table } from '../../core/aws/dynamodb/table.ts';
import type { MappingRecord } from '../../core/mapping/record.ts';
import type { CommittedResolve } from '../../core/mapping/store.ts';
import { digestOf } from '../../core/oci/digest.ts';
import { startTable } from '../../local/dynamodb.ts';

export interface LocalStores {
  table: Table;
  mappings: DynamoMappingStore;
  jobs: DynamoJobStore;
  close(): Promise<void>;
}

/** The stores on their own table, which the emulator keeps in memory. */
export async function startStores(): Promise<LocalStores> {
  const region = 'eu-west-1';
  const local = await startTable(region);
  const table = openTable(local.name, {
    endpoint: local.endpoint,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    table,
    mappings: new DynamoMappingStore(table),
    jobs: new DynamoJobStore(table),
    async close() {
      table.client.destroy();
      await local.stop();
    },
  };
}

/** A tag or digest of docker.io/library/nginx, or of another repository. */
export function keyOf<R extends string>(
  reference: R,
  repository = 'library/nginx',
  registry = 'docker.io',
): { registry: string; repository: string; reference: R } {
  return { registry, repository, reference };
}

/** A mapping to made-up content. */
export function mappingOf(content: string, more: Partial<MappingRecord> = {}): MappingRecord {
  const digest = digestOf(Buffer.from(content));
  return {
    mirrorRepository: 'mirror/docker.io/library/nginx',
    digest,
    sourceDigest: digest,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    platforms: ['linux/amd64'],
    sizeBytes: 1_000,
    pin: false,
    region: 'eu-west-1',
    observedAt: '2026-01-02T03:04:05.000Z',
    mirroredAt: '2026-01-02T03:04:05.000Z',
    job: '01000000000000000000000000',
    ...more,
  };
}

/** A resolve that found a mapping's content. */
export function resolveOf(mapping: MappingRecord, resolve: number, event = resolve): CommittedResolve {
  return { event, resolve, fingerprint: 'policy', sourceDigest: mapping.sourceDigest };
}
