import type { Descriptor } from '../../core/oci/descriptor.ts';
import { connectionRemedy, type SettingNames } from '../../core/registry/connection-remedies.ts';
import { RegistryError, type Side } from '../../core/registry/errors.ts';
import { ecrOf } from '../logins/aws-login.ts';

/** A failure as programs are told it, and people out of it. */
export interface Failure {
  /**
   * Stable: the registry's own (`MANIFEST_UNKNOWN`) or ours (`UNAUTHORIZED`, `CONNECTION`, …);
   * `FAILED` for anything else.
   */
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
  const failure: Failure = { code, message: `${sideNamed(error.message)}${about}` };
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

/** Here the sides of a copy are called what the user calls them. */
function sideNamed(message: string): string {
  return message.replace(/^(upstream|mirror) (?=\S+: )/, (_, side) =>
    side === 'mirror' ? 'destination ' : 'source ',
  );
}

/**
 * What helps somebody at the command line; the errors' own remedies speak of mirror.yaml where
 * there is something to write.
 */
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
  if (error instanceof RegistryError) {
    if (error.problem) return connectionRemedy(error.problem, settingsOf(error.side));
    // A remedy written for this very failure says more than the general one for its code.
    if (error.isExplained) return own;
  }
  switch (code) {
    case 'UNAUTHORIZED':
      return loginRemedy(registry, error);
    case 'DENIED':
      return `check that the login may ${told.side === 'mirror' ? 'write to' : 'read'} ${text(told.repository) ?? 'this'} (${howToLogIn(registry)}); an exceeded quota gives the same answer`;
    case 'AccessDeniedException':
      return `the AWS credentials may not do this: allow ecr:${told.operation} on the repository, or leave out --create-repository`;
    case 'TOOMANYREQUESTS':
      return `${waits(error) ? 'wait that long' : 'wait some minutes'}, or log in as a user with a higher limit: docker login ${registry}`;
    case 'NAME_UNKNOWN':
      return told.side === 'mirror'
        ? missingRepository(registry)
        : `check the repository’s name: ${text(told.repository)}; a private one may be reported as missing: docker login ${registry}`;
    case 'MANIFEST_UNKNOWN':
      return told.side === 'mirror' ? own : unknownManifest(registry, told);
    case 'CONNECTION':
      return told.operation === 'start upload' || told.operation === 'mount blob'
        ? missingRepository(registry)
        : own;
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

/** What the settings of a connection are called here. */
function settingsOf(side: Side): SettingNames {
  const plainHttp = side === 'mirror' ? '--dst-plain-http' : '--src-plain-http';
  return {
    path: '/v2/',
    plainHttp: `add ${plainHttp}`,
    https: `leave out --plain-http or ${plainHttp}`,
    authority: 'add --ca-file FILE',
    timeout: '--timeout 10m',
    proxy: 'HTTPS_PROXY or HTTP_PROXY',
  };
}

function loginRemedy(registry: string, error: Error): string {
  const login = error instanceof RegistryError ? error.login : undefined;
  return login === 'rejected'
    ? `the login for ${registry} is wrong or has expired; log in again: ${howToLogIn(registry)}`
    : `log in: ${howToLogIn(registry)}; many registries answer the same for a repository that does not exist`;
}

function howToLogIn(registry: string): string {
  return `docker login ${registry}${isEcr(registry) ? ', or AWS credentials (aws sts get-caller-identity)' : ''}`;
}

/**
 * ECR drops the connection of an upload into a repository that is not there (CR#1970); it may also
 * just have broken off.
 */
function missingRepository(registry: string): string {
  return isEcr(registry)
    ? 'the repository may not exist: add --create-repository to create it'
    : 'the repository may not exist: create it first; otherwise check the network and try again';
}

function unknownManifest(registry: string, { repository, reference }: ToldError): string {
  const all = `${registry}/${text(repository) ?? ''}`;
  return text(reference)?.includes(':')
    ? `check the digest, and that it is one of ${all}`
    : `check the tag; list the existing ones: drayage copy --all-tags --dry-run ${all} DST`;
}

/** The message tells how long. */
function waits(error: Error): boolean {
  return error instanceof RegistryError && (error.retryAfterMs ?? 0) > 0;
}

function isEcr(registry: string): boolean {
  return ecrOf(registry, process.env) !== undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
