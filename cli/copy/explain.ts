import type { Descriptor } from '../../core/oci/descriptor.ts';
import { RegistryError } from '../../core/registry/errors.ts';
import { failureCode } from '../../core/registry/failures.ts';
import { ecrHostOf } from '../../core/registry/known-registries.ts';
import { connectionHelp } from '../connection-help.ts';

/** A failure as programs are told it, and people out of it. */
export interface Failure {
  /** Stable: the registry's own (`MANIFEST_UNKNOWN`) or ours (`UNAUTHORIZED`, `CONNECTION`, …); `FAILED` for anything else. */
  code: string;
  /** Says side, registry, operation, repository and reason. */
  message: string;
  side?: 'upstream' | 'mirror';
  operation?: string;
  repository?: string;
  /** The blob that failed, or the manifest's tag or digest. */
  reference?: string;
  remedy?: string;
}

/** A copy failed; `remedy` says what helps. */
export class CopyFailure extends Error {
  override readonly name = 'CopyFailure';
  readonly failure: Failure;
  readonly remedy: string | undefined;

  constructor(failure: Failure, cause: unknown) {
    super(failure.message, { cause });
    this.failure = failure;
    this.remedy = failure.remedy;
  }
}

/** What is said of errors of the registry client and of the copy. */
interface ToldError extends Error {
  code?: unknown;
  side?: unknown;
  registry?: unknown;
  operation?: unknown;
  repository?: unknown;
  reference?: unknown;
  remedy?: unknown;
}

/**
 * Explains an error of either side.
 *
 * @param blob the blob that was to be stored, where the error does not name it itself
 */
export function explainFailure(error: unknown, blob?: Descriptor): Failure {
  if (error instanceof CopyFailure) return error.failure;
  if (!(error instanceof Error)) return { code: 'FAILED', message: String(error) };
  const told = error as ToldError;
  const code = text(told.code) ?? 'FAILED';
  const reference = text(told.reference) ?? blob?.digest;
  const about = blob !== undefined && !error.message.includes(blob.digest) ? `, for blob ${blob.digest}` : '';
  const failure: Failure = { code, message: `${error.message}${about}` };
  if (told.side === 'upstream' || told.side === 'mirror') failure.side = told.side;
  const operation = text(told.operation);
  if (operation !== undefined) failure.operation = operation;
  const repository = text(told.repository);
  if (repository !== undefined) failure.repository = repository;
  if (reference !== undefined) failure.reference = reference;
  const remedy = remedyFor(code, told);
  if (remedy !== undefined) failure.remedy = remedy;
  return failure;
}

/** Of an error's message: where nobody answered. */
const unanswered = /no answer from (https?:\/\/[^\s/]+?)(?=:\s)/;

/** What helps where a connection failed, by the code of its failure. */
function connectionRemedy(error: RegistryError): string | undefined {
  const { protocol, host } = new URL(unanswered.exec(error.message)?.[1] ?? `https://${error.registry}`);
  const plainHttp = error.side === 'mirror' ? '--dst-plain-http' : '--src-plain-http';
  return connectionHelp(failureCode(error.cause), { protocol, host, plainHttp, hasFlags: true });
}

/** What helps somebody at the command line; the errors' own remedies speak of mirror.yaml where there is something to write. */
function remedyFor(code: string, error: Error): string | undefined {
  const told: ToldError = error;
  const registry = text(told.registry) ?? 'the registry';
  const own = text(told.remedy);
  const [, list, host] = /(authHosts|redirectHosts): \["([^"]+)"\]/.exec(own ?? '') ?? [];
  if (host !== undefined) {
    return list === 'authHosts'
      ? `if that host may see the login, add --auth-host ${host}`
      : `if the registry keeps its content there, add --redirect-host ${host}`;
  }
  // One that was written for this very reason says more than any for its code.
  if (error instanceof RegistryError && error.isExplained) return own;
  const connection = error instanceof RegistryError ? connectionRemedy(error) : undefined;
  if (connection !== undefined) return connection;
  const repository = `${registry}/${text(told.repository) ?? ''}`;
  switch (code) {
    case 'MANIFEST_UNKNOWN':
      return text(told.reference)?.includes(':')
        ? 'check the digest: the registry does not have it'
        : `check the tag; those that there are: drayage copy --all-tags --dry-run ${repository} DESTINATION`;
    case 'NAME_UNKNOWN':
      return told.side === 'upstream'
        ? `check the repository’s name; a private one may be told as missing: docker login ${registry}`
        : own;
    case 'UNAUTHORIZED':
      return `${/rejected the credentials/.test(error.message) ? 'log in again' : 'log in'}: docker login ${registry}${isEcr(registry) ? ', or give AWS credentials (AWS_PROFILE and the like)' : ''}; many registries also answer this for a repository that does not exist`;
    case 'DENIED':
      return `check that the login for ${registry} may do this (docker login ${registry}); a quota that is exceeded is told this way too`;
    case 'AccessDeniedException':
      return `the AWS credentials may not do this: allow ecr:${told.operation} on the repository, or leave out --create-repository`;
    case 'TOOMANYREQUESTS':
      return `the registry’s rate limit is reached: wait, or log in for a higher one: docker login ${registry}`;
    case 'TLS':
      return 'check the certificate, and name that of a private authority with --ca-file FILE or in SSL_CERT_FILE';
    case 'NO_MATCHING_PLATFORM':
      return 'give --platform one of its platforms, or leave it out';
    case 'MANIFEST_INVALID':
      return told.operation === undefined
        ? 'without --platform the image is copied as it is; or ask its publisher to push it again'
        : own;
    case 'IMAGE_TOO_DEEP':
    case 'IMAGE_TOO_LARGE':
      return 'ask the image’s publisher for a smaller one';
    case 'TAG_MOVED':
      return 'something else writes to the destination: copy again when it is done';
    default:
      return own;
  }
}

function isEcr(registry: string): boolean {
  return ecrHostOf(registry) !== undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
