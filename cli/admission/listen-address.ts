import { InvalidArgumentError } from 'commander';

/** Where a server listens. */
export interface ListenAddress {
  /** Empty: all addresses of the machine. */
  host: string;
  /** 0 takes a free one. */
  port: number;
}

/** Reads `HOST:PORT`, `[IPv6]:PORT` or `:PORT`. */
export function parseListenAddress(text: string): ListenAddress {
  const [, six, host = six ?? '', digits = ''] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text) ?? [];
  const port = digits === '' ? Number.NaN : Number(digits);
  if (port <= 65_535) return { host, port };
  throw new InvalidArgumentError(
    'write HOST:PORT, as in 127.0.0.1:8443 or [::]:8443, or :8443 for all addresses',
  );
}
