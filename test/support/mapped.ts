import type { Config } from '../../core/config/config.ts';
import { imageKey, type Mapping, type MappingRecord, presentMapping } from '../../core/mapping/record.ts';
import { digestOf } from '../../core/oci/digest.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { mirrorRepository } from '../../core/policy/mirror-repository.ts';

const config = { mirror: { repositoryPrefix: 'mirror' } } as Config;

/** The mirror of {@link mapped}. */
export const mirrorHost = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';

/** How a mapping differs from the usual one. */
export interface MappedOptions extends Partial<MappingRecord> {
  host?: string;
}

/** The mapping of an image, as the API shows it; a digest that is not given comes from its name. */
export function mapped(image: string, { host = mirrorHost, ...record }: MappedOptions = {}): Mapping {
  const reference = parseReference(image);
  const digest = record.digest ?? reference.digest ?? digestOf(Buffer.from(image));
  const presented = presentMapping(
    {
      key: imageKey(reference),
      revision: 1,
      mapping: {
        mirrorRepository: mirrorRepository(config, reference.registry, reference.repository),
        digest,
        sourceDigest: digest,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        platforms: ['linux/amd64', 'linux/arm64/v8'],
        sizeBytes: 1_000,
        pin: false,
        region: 'eu-west-1',
        observedAt: '2026-01-02T03:04:05.000Z',
        mirroredAt: '2026-01-02T03:04:05.000Z',
        job: '01000000000000000000000000',
        ...record,
      },
    },
    { 'eu-west-1': host },
  );
  if (presented === undefined) throw new Error(`${image} has no mirror`);
  return presented;
}

/** Mappings in the API's order, as formats take them. */
export async function* inOrder(mappings: readonly Mapping[]): AsyncGenerator<Mapping> {
  yield* [...mappings].sort((a, b) => (a.image < b.image ? -1 : 1));
}

/** What a format makes of mappings. */
export async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}
