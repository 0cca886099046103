import type { WireOptions } from './wire/relay.ts';

/** A time that no client can beat on a wire, and its parts. */
export interface Limit {
  seconds: number;
  /** Such as "9 R + 21.0 MB". */
  madeOf: string;
}

/** The work of copying an image. */
export interface Work {
  isIndex: boolean;
  /**
   * How many blobs the mirror lacks, and the size of the largest: all are copied at once, so the
   * largest decides.
   */
  missing: { blobs: number; largest: number };
}

/** How many streams a client can open on two cores before the cores become the bottleneck. */
const streamsAtOnce = 64;
/**
 * How long two docker-registries take to serve and store a small blob, in seconds: 13 ms of CPU
 * together, on two cores (their own CPU time in copies of wide and many without a wire). It counts
 * if there are more blobs than streams; otherwise it is hidden by the transfer.
 */
const registriesWorkPerBlob = 0.0065;

/**
 * The least time that a copy takes.
 *
 * Nothing to do: the root manifest over a new connection (3 R: one for the request, two for the
 * connection) while the mirror is asked. Otherwise the root manifest (3) while the mirror's
 * connection opens, the check which blobs are present (1), new upstream connections for the blobs
 * while uploads are opened (3), the PUT (1) and the manifest (1). An index has its children to read
 * over new connections (3) and to put (1). More blobs than streams: each further round reads (1)
 * and puts (1).
 */
export function limitOf(work: Work, wire: WireOptions): Limit {
  const { blobs, largest } = work.missing;
  if (blobs === 0) return limit(wire, 3, 0, 0);
  const rounds = Math.ceil(blobs / streamsAtOnce);
  const roundTrips = 9 + (work.isIndex ? 4 : 0) + 2 * (rounds - 1);
  return limit(wire, roundTrips, rounds * largest, rounds > 1 ? blobs * registriesWorkPerBlob : 0);
}

/** The work of copying all tags of some repositories. */
export interface TagsWork {
  tags: number;
  /**
   * Distinct blobs that the mirror lacks; the size of the largest, and the most that each other one
   * has.
   */
  missing: { blobs: number; largest: number; others: number };
}

/**
 * The least time that copying all tags takes on the wire, without the registries' own work.
 *
 * The lists of tags over new connections (3 R), while the connections for everything else are
 * opened; the manifests, as many at once as there are streams (1 a round). Nothing to do: that is
 * all, as the mirror is asked in the same rounds. Otherwise the check which blobs are present (1),
 * each round of blobs (2: one reads, one puts), and the manifests (1 a round).
 */
export function limitOfTags({ tags, missing }: TagsWork, wire: WireOptions): Limit {
  const rounds = Math.ceil(missing.blobs / streamsAtOnce);
  const manifestRounds = Math.ceil(tags / streamsAtOnce);
  if (rounds === 0) return limit(wire, 3 + manifestRounds, 0, 0);
  const bytes = missing.largest + (rounds - 1) * missing.others;
  return limit(wire, 3 + manifestRounds + 1 + 2 * rounds + manifestRounds, bytes, 0);
}

function limit(wire: WireOptions, roundTrips: number, bytes: number, registriesSeconds: number): Limit {
  const parts = [`${roundTrips} R`];
  if (bytes > 0) parts.push(`${(bytes / 1e6).toFixed(1)} MB`);
  if (registriesSeconds > 0) parts.push(`${registriesSeconds.toFixed(2)} s of the registries' own work`);
  return {
    seconds: (roundTrips * wire.roundTripMs) / 1000 + bytes / wire.streamBytesPerSecond + registriesSeconds,
    madeOf: parts.join(' + '),
  };
}
