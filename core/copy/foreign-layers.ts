import { inParallel } from '../async/in-parallel.ts';
import { DrayageError } from '../errors.ts';
import type { Descriptor } from '../oci/descriptor.ts';
import { plainText } from '../oci/plain-text.ts';
import { amountOf } from './amount.ts';
import type { Amount, CallOptions, ImageSource } from './ports.ts';

const concurrency = 8;
/** How many hosts are named, and how many characters of each. */
const maxHosts = 3;
const maxHost = 100;

/**
 * Which of an image's foreign layers the upstream registry has anyway. Those are copied like any
 * other layer, so that the mirror holds the whole image. Others are left out: their descriptors'
 * `urls` say where clients get them
 * (https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#non-distributable-layers).
 *
 * The `urls` themselves are never requested. They are the publisher's text: anyone who may push an
 * image could make us send requests to any host that we can reach. Besides, the layer's licence may
 * forbid distributing it from elsewhere.
 *
 * @throws a temporary failure, since it says nothing about the layer, or the signal's reason. A
 *   layer that the registry refuses for good counts as absent.
 */
export async function servedForeignLayers(
  source: ImageSource,
  foreign: Descriptor[],
  options: CallOptions = {},
): Promise<Descriptor[]> {
  if (!source.hasBlob || foreign.length === 0) return [];
  const served = await inParallel(
    foreign,
    concurrency,
    async (blob, signal) => {
      try {
        return (await source.hasBlob?.(blob, { signal })) ?? false;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (isPermanent(error)) return false;
        throw error;
      }
    },
    options.signal,
  );
  return foreign.filter((_, index) => served[index]);
}

/** Layers that were left out, for a report. */
export interface ForeignLayers extends Amount {
  /** Which they are and who has them, in words. */
  note: string;
}

/** What a report says about layers that were left out; undefined if there were none. */
export function reportForeignLayers(foreign: Descriptor[]): ForeignLayers | undefined {
  return foreign.length === 0 ? undefined : { ...amountOf(foreign), note: noteOf(foreign) };
}

function noteOf(foreign: Descriptor[]): string {
  const layers = foreign.length === 1 ? '1 foreign layer is' : `${foreign.length} foreign layers are`;
  const hosts = [...new Set(foreign.flatMap(({ urls = [] }) => urls.flatMap((url) => hostOf(url) ?? [])))];
  const more = hosts.length > maxHosts ? ` and ${hosts.length - maxHosts} more` : '';
  const where =
    hosts.length > 0
      ? `clients fetch them from ${hosts.slice(0, maxHosts).join(', ')}${more}`
      : 'clients may not find them';
  return `${layers} not in the upstream registry and not copied: ${where}`;
}

function hostOf(url: string): string | undefined {
  const host = URL.parse(url)?.host;
  return host ? plainText(host, maxHost) : undefined;
}

function isPermanent(error: unknown): boolean {
  return error instanceof DrayageError && !error.temporary;
}
