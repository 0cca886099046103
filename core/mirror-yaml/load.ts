import { dirname, resolve } from 'node:path';
import { CertificatesError, readCertificates } from '../config/certificates.ts';
import type { Config } from '../config/config.ts';
import { fileFailure } from '../config/file-failure.ts';
import { readAtMost } from '../config/read-at-most.ts';
import { type ConfigError, type ConfigWithPlaces, maxConfigBytes, parseWithPlaces } from './parse.ts';
import { readVerificationFiles, VerificationFileError } from './verification/files.ts';

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
  const { warnings } = parsed;
  const errors: ConfigError[] = [];
  const config = withVerificationFiles(withCertificates(parsed, file, errors), parsed, file, errors);
  if (errors.length > 0) throw new InvalidConfigError(file, errors);
  return { config, warnings };
}

function withCertificates(
  { config, errorAt }: ConfigWithPlaces,
  file: string,
  errors: ConfigError[],
): Config {
  const { network } = config;
  if (network?.caBundle === undefined) return config;
  try {
    const certificates = readCertificates(resolve(dirname(file), network.caBundle));
    return { ...config, network: { ...network, certificates } };
  } catch (error) {
    if (!(error instanceof CertificatesError)) throw error;
    errors.push(errorAt(['network', 'caBundle'], error.message));
    return config;
  }
}

/** Reads the keys and trusted roots of all rules. */
function withVerificationFiles(
  config: Config,
  { errorAt }: ConfigWithPlaces,
  file: string,
  errors: ConfigError[],
): Config {
  const upstreams = config.upstreams.map((upstream, u) => ({
    ...upstream,
    repositories: upstream.repositories.map((rule, r) => {
      if (rule.verify === undefined) return rule;
      try {
        return { ...rule, verify: readVerificationFiles(rule.verify, dirname(file)) };
      } catch (error) {
        if (!(error instanceof VerificationFileError)) throw error;
        errors.push(errorAt(['upstreams', u, 'repositories', r, 'verify'], error.message));
        return rule;
      }
    }),
  }));
  return { ...config, upstreams };
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
