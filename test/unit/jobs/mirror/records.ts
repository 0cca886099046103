import type { MappingRecord } from '../../../../core/mapping/record.ts';
import { digestOf } from '../../../../core/oci/digest.ts';

/** A mapping to made-up content. */
export function mappingOf(content: string, more: Partial<MappingRecord> = {}): MappingRecord {
  const digest = digestOf(Buffer.from(content));
  return {
    mirrorRepository: 'mirror/app',
    digest,
    sourceDigest: digest,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    platforms: ['linux/amd64'],
    sizeBytes: 1_000,
    pin: false,
    region: 'eu-west-1',
    observedAt: '2026-04-01T11:00:00.000Z',
    mirroredAt: '2026-04-01T11:00:00.000Z',
    job: '01000000000000000000000000',
    ...more,
  };
}
