/** How a request authenticated; the value itself is never kept. */
export type AuthorizationKind = 'none' | 'basic' | 'bearer' | 'sigv4' | 'other';

/**
 * One request that the registry received, for tests. Added when the request arrives, completed
 * while it is handled.
 */
export interface RequestRecord {
  method: string;
  /** Without the query, unchanged. */
  path: string;
  /** With the values of `token` left out. */
  query: string;
  /** The ECR API's operation, such as `PutImage`. */
  operation?: string;
  /** 0 until answered; stays 0 if the connection was dropped. */
  status: number;
  /** Bytes of the body that were read. */
  bytesIn: number;
  /** Bytes of the body that were written to the connection. */
  bytesOut: number;
  authorization: AuthorizationKind;
}

/** The last requests, oldest first. */
export class RequestLog {
  readonly records: RequestRecord[] = [];
  readonly #limit: number;

  /** @param limit how many are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a request. */
  add(record: RequestRecord): void {
    this.records.push(record);
    if (this.records.length > this.#limit) this.records.splice(0, this.records.length - this.#limit);
  }

  /** Forgets them all. */
  clear(): void {
    this.records.length = 0;
  }
}

/** The scheme of an `Authorization` header. */
export function authorizationKind(header: string | undefined): AuthorizationKind {
  if (header === undefined) return 'none';
  const scheme = header.split(' ', 1)[0]?.toLowerCase();
  if (scheme === 'basic' || scheme === 'bearer') return scheme;
  return scheme === 'aws4-hmac-sha256' ? 'sigv4' : 'other';
}
