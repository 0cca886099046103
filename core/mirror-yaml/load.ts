import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { CertificatesError, readCertificates } from '../config/certificates.ts';
import type { Config } from '../config/config.ts';
import { fileFailure } from '../config/file-failure.ts';
import { type ConfigError, maxConfigBytes, parseWithPlaces } from './parse.ts';

/**
 * A configuration file can't be read or is not valid. The message lists every error with file, line
 * and column.
 */
export class InvalidConfigError extends Error {
  readonly file: string;
  readonly errors: ConfigError[];
  constructor(file: string, errors: ConfigError[], options?: ErrorOptions) {
    super(errors.map((error) => formatConfigError(file, error)).join('\n'), options);
    this.name = 'InvalidConfigError';
    this.file = file;
    this.errors = errors;
  }
}

/**
 * An error on one line, as editors and people find it: `mirror.yaml:12:7 upstreams[0].registry:
 * message`.
 */
export function formatConfigError(file: string, error: ConfigError): string {
  const place = error.line === undefined ? file : `${file}:${error.line}:${error.column ?? 1}`;
  return error.path === '' ? `${place} ${error.message}` : `${place} ${error.path}: ${error.message}`;
}

/**
 * Reads and validates a configuration file.
 *
 * @throws InvalidConfigError with everything that is wrong, also if the file can't be read.
 */
export function loadConfig(file: string): Config {
  return loadConfigWithWarnings(file).config;
}

/**
 * Like {@link loadConfig}; also returns which keys of the file `cdk synth` refuses in this version.
 *
 * @throws InvalidConfigError
 */
export function loadConfigWithWarnings(file: string): { config: Config; warnings: ConfigError[] } {
  const parsed = parseWithPlaces(readText(file));
  if (!parsed.ok) throw new InvalidConfigError(file, parsed.errors);
  const { config, warnings, errorAt } = parsed;
  const { network } = config;
  if (network?.caBundle === undefined) return { config, warnings };
  try {
    const certificates = readCertificates(resolve(dirname(file), network.caBundle));
    return { config: { ...config, network: { ...network, certificates } }, warnings };
  } catch (cause) {
    if (!(cause instanceof CertificatesError)) throw cause;
    throw new InvalidConfigError(file, [errorAt(['network', 'caBundle'], cause.message)], { cause });
  }
}

function readText(file: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readAtMost(file, maxConfigBytes + 1);
  } catch (cause) {
    throw new InvalidConfigError(file, [{ path: '', message: unreadable(cause, file) }], { cause });
  }
  if (bytes.length > maxConfigBytes)
    throw new InvalidConfigError(file, [{ path: '', message: `is larger than ${maxConfigBytes} bytes` }]);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidConfigError(file, [{ path: '', message: 'is not UTF-8; save it in this encoding' }], {
      cause,
    });
  }
}

/** Also pipes and devices, whose size can't be checked first. */
function readAtMost(file: string, limit: number): Uint8Array {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(limit);
    let length = 0;
    while (length < limit) {
      const read = readSync(descriptor, buffer, length, limit - length, null);
      if (read === 0) break;
      length += read;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(cause: unknown, file: string): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return 'does not exist; name the configuration with --config, or create one: drayage init';
    case 'EISDIR':
      return 'is a folder; name the file in it';
    default: {
      const { reason, remedy } = fileFailure(cause, file);
      return `can’t be read: ${reason}${remedy === undefined ? '' : `; ${remedy}`}`;
    }
  }
}
