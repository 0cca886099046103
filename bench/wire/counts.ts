/** What went over a wire since it was last reset. */
export interface WireCounts {
  /** By method, without pings. */
  requests: Record<string, number>;
  /** `GET /v2/`: asks for nothing, so clients use it to learn about authentication or to open connections. */
  pings: number;
  /** Those of the client that carried a request. */
  connections: number;
  /** From the client, heads included. */
  bytesUp: number;
  /** To the client, heads included. */
  bytesDown: number;
  /** When the first request had come, pings too: milliseconds of the machine's monotonic clock. 0: none came. */
  firstRequestMs: number;
  /** When the last answer ended, without answers to pings; the same clock. 0: none did. */
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
    bytesUp: 0,
    bytesDown: 0,
    firstRequestMs: 0,
    lastAnswerMs: 0,
    ownCpuSeconds: 0,
  };
}

/** The machine's monotonic clock in milliseconds: the same for all processes, so that two wires can be compared. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
