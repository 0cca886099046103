/** What has passed over a wire since it was last reset. */
export interface WireCounts {
  /** By method, without pings. */
  requests: Record<string, number>;
  /**
   * `GET /v2/`: has no result, so clients use it to discover authentication or to open connections.
   */
  pings: number;
  /** The client's connections that carried a request. */
  connections: number;
  /** How often each blob was requested by GET, by its digest. */
  blobReads: Record<string, number>;
  /** From the client, heads included. */
  bytesUp: number;
  /** To the client, heads included. */
  bytesDown: number;
  /**
   * When the first request arrived, including pings: milliseconds of the machine's monotonic clock.
   * 0: none has.
   */
  firstRequestMs: number;
  /** When the last answer ended, except answers to pings; by the same clock. 0: none has. */
  lastAnswerMs: number;
  /** User and system time of the wire's own process, in seconds. */
  ownCpuSeconds: number;
}

/** Nothing counted yet. */
export function noCounts(): WireCounts {
  return {
    requests: {},
    pings: 0,
    connections: 0,
    blobReads: {},
    bytesUp: 0,
    bytesDown: 0,
    firstRequestMs: 0,
    lastAnswerMs: 0,
    ownCpuSeconds: 0,
  };
}

const blobPath = /\/blobs\/(sha256:[0-9a-f]{64})$/;

/** Counts one request by its method and path; returns whether it was a ping. */
export function countRequest(counts: WireCounts, method: string, path: string): boolean {
  const isPing = method === 'GET' && (path === '/v2/' || path === '/v2');
  if (isPing) counts.pings++;
  else counts.requests[method] = (counts.requests[method] ?? 0) + 1;
  const [, digest] = (method === 'GET' && blobPath.exec(path)) || [];
  if (digest !== undefined) counts.blobReads[digest] = (counts.blobReads[digest] ?? 0) + 1;
  return isPing;
}

/** From the first request on any of the connections to the end of the last answer, in seconds. */
export function secondsOver(roads: WireCounts[]): number {
  const starts = roads.map(({ firstRequestMs }) => firstRequestMs).filter((time) => time > 0);
  return (Math.max(...roads.map(({ lastAnswerMs }) => lastAnswerMs)) - Math.min(...starts)) / 1000;
}

/** The number of requests, without pings. */
export function requestsOf({ requests }: WireCounts): number {
  return Object.values(requests).reduce((sum, count) => sum + count, 0);
}

/**
 * The machine's monotonic clock in milliseconds: the same for all processes, so that two wires can
 * be compared.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
