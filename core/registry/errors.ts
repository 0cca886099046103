import { DrayageError, type Retry } from '../errors.ts';
import { isDigest } from '../oci/digest.ts';
import type { ConnectionProblem } from './connection-problem.ts';
import { connectionRemedy, mirrorSettings } from './connection-remedies.ts';

/** Which registry failed: the one that images come from, or the one that they go to. */
export type Side = 'upstream' | 'mirror';

/** What was being done, for error messages. */
export interface OperationContext {
  side: Side;
  /** As in references: `docker.io`. */
  registry: string;
  /** In words: `get manifest`. */
  operation: string;
  repository?: string;
  /** A tag or a digest. */
  reference?: string;
}

/** What happened, without the context. */
export interface RegistryFailure {
  /** A code of the distribution specification, or one of ours: see the table of remedies. */
  code: string;
  /** A clause that follows the operation; already redacted. */
  reason: string;
  /** The answer's HTTP status. */
  status?: number;
  /** Whether the same operation may succeed later; false unless given. */
  temporary?: boolean;
  /** How long the registry asked to wait. */
  retryAfterMs?: number;
  /** A remedy, if the table's general one does not fit. */
  remedy?: string;
  /** If a connection failed: the reason. */
  problem?: ConnectionProblem;
  /** If a login was required: whether it was missing or rejected. */
  login?: LoginState;
  cause?: unknown;
}

/**
 * An operation on a registry failed. `message` names side, registry, operation, repository and
 * reason, and contains no secret. `code` is stable: the registry's own (`MANIFEST_UNKNOWN`,
 * `TOOMANYREQUESTS`, …) or one derived from the status or failure (`UNAUTHORIZED`, `UNAVAILABLE`,
 * `TIMEOUT`, `CONNECTION`, …). `temporary` says whether a later retry makes sense. A cancelled
 * operation throws its signal's reason instead.
 */
export class RegistryError extends DrayageError {
  readonly side: Side;
  readonly operation: string;
  readonly registry: string;
  readonly repository: string | undefined;
  readonly reference: string | undefined;
  readonly status: number | undefined;
  readonly code: string;
  /** What happened, without the context. */
  readonly reason: string;
  /** What the operator can do about it. */
  readonly remedy: string;
  /** Whether the remedy is specific to this failure, rather than the general one for its code. */
  readonly isExplained: boolean;
  /** If a connection failed: the reason. */
  readonly problem: ConnectionProblem | undefined;
  /**
   * If a login was required: whether it was missing or rejected; undefined if that is not known.
   */
  readonly login: LoginState;
  readonly retry: Retry;
  /** How long the registry asked to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(context: OperationContext, failure: RegistryFailure) {
    super(
      `${context.side} ${context.registry}: ${describe(context)}: ${failure.reason} (${failure.code})`,
      failure.cause === undefined ? undefined : { cause: failure.cause },
    );
    this.name = 'RegistryError';
    this.side = context.side;
    this.operation = context.operation;
    this.registry = context.registry;
    this.repository = context.repository;
    this.reference = context.reference;
    this.status = failure.status;
    this.code = failure.code;
    this.reason = failure.reason;
    const { problem, login } = failure;
    this.problem = problem;
    this.login = login;
    this.remedy =
      failure.remedy ??
      (problem ? connectionRemedy(problem, mirrorSettings) : remedyFor(failure.code, context, login));
    this.isExplained = failure.remedy !== undefined;
    this.retry = retryOf(failure);
    this.retryAfterMs = failure.retryAfterMs;
  }
}

function retryOf({ temporary = false, status, retryAfterMs: afterMs }: RegistryFailure): Retry {
  if (!temporary) return { kind: 'never' };
  return { kind: status === 429 ? 'rate-limit' : 'backoff', afterMs };
}

/**
 * `get manifest library/nginx:1.27`, `get blob library/nginx@sha256:…`, `list tags of
 * library/nginx`.
 */
function describe({ operation, repository, reference }: OperationContext): string {
  if (repository === undefined) return operation;
  if (reference === undefined) return `${operation} ${repository}`;
  return `${operation} ${repository}${isDigest(reference) ? '@' : ':'}${reference}`;
}

const putManifest = 'put manifest';

/** What is known about the login of a refused request. */
export type LoginState = 'missing' | 'rejected' | undefined;

type Remedy = string | ((context: OperationContext, login: LoginState) => string);

/** Writes to the mirror use a role (ECR) or a login. */
const credentials = ({ side, registry }: OperationContext) =>
  side === 'upstream'
    ? `the credentials for ${registry}`
    : `the role or credentials that write to ${registry}`;

/**
 * Remedies by code. Upper half: codes of the distribution specification
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes); lower
 * half: ours.
 */
const remedies: Readonly<Record<string, Remedy>> = {
  BLOB_UNKNOWN: 'the registry does not have this blob: push the image again',
  BLOB_UPLOAD_INVALID: 'the upload cannot continue: start it again',
  BLOB_UPLOAD_UNKNOWN: 'the upload has ended or expired: start it again',
  DIGEST_INVALID: ({ side }) =>
    side === 'upstream'
      ? 'the bytes do not match the digest: try again; if the error persists, push the image again'
      : 'the registry stored different bytes than were sent: try again, and check any proxy in front of it',
  MANIFEST_BLOB_UNKNOWN:
    'a blob or a child manifest was deleted during the copy: copy again, and check what deletes content there',
  MANIFEST_INVALID: ({ operation }) =>
    operation === putManifest
      ? 'the registry does not accept a manifest of this type or form: check its version and settings'
      : 'the manifest is malformed or of a type that is not copied: push the image again',
  MANIFEST_UNKNOWN: 'check that the tag or digest exists',
  NAME_INVALID: 'check the repository’s name',
  NAME_UNKNOWN: ({ side }) =>
    side === 'mirror' ? 'create the repository first' : 'check that the repository exists',
  SIZE_INVALID: 'the size differs from the one in the manifest: push the image again',
  UNAUTHORIZED: (context, login) =>
    login === 'rejected'
      ? `${credentials(context)} are wrong or have expired: replace them`
      : `check ${credentials(context)}; many registries answer the same for a repository that does not exist`,
  DENIED: (context) =>
    `check that ${credentials(context)} allow this; registries also report an exceeded quota this way`,
  UNSUPPORTED: ({ operation }) =>
    operation === putManifest
      ? 'the registry does not accept artifacts of this kind: leave them out, or check its version'
      : 'the registry does not offer this operation: check that the endpoint is a registry',
  TOOMANYREQUESTS: ({ side }) =>
    side === 'upstream'
      ? 'the registry’s rate limit is reached: wait, or configure credentials with a higher limit'
      : 'the registry’s rate limit is reached: wait, or ask for a higher quota',
  // ECR's, for a tag that may not be moved:
  // https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
  TAG_INVALID: 'the tag may not be moved: allow it in the repository’s tag immutability settings',

  UNAVAILABLE: 'the registry is having problems: wait and try again',
  TIMEOUT: 'the registry or the network is slow: try again, and check firewalls and proxies',
  // CR#1970: ECR drops the connection when an upload goes to a repository that does not exist.
  // https://github.com/aws/containers-roadmap/issues/1970
  CONNECTION: ({ side, operation }) =>
    side === 'mirror' && (operation === 'start upload' || operation === 'mount blob')
      ? 'create the repository first: ECR drops the connection when it is missing; otherwise check the endpoint and the network'
      : 'check the endpoint, name resolution, firewalls and proxies',
  TLS: 'check the certificate; for a private authority, name its certificate under network.caBundle',
  CREDENTIALS_UNAVAILABLE: 'check the name of the secret and that it may be read',
  ANSWER_TOO_LARGE: 'check that the endpoint is a registry',
  ANSWER_INVALID:
    'check that the endpoint is a registry with the distribution API and that nothing in between alters its answers',
  RANGE_INVALID: 'the registry does not serve this part of the blob: start from the beginning',
  REDIRECT_REFUSED: 'check the endpoint: write the registry’s actual address',
  ADDRESS_REFUSED: ({ registry }) =>
    `${registry} points to a host inside this network: check the endpoint, and what the name resolves to here; if that is intended, list the host under redirectHosts`,
  LINK_REFUSED:
    'the list cannot be read to its end: check the endpoint and any proxy in front of the registry',
  LOCATION_REFUSED: 'check the endpoint: write the registry’s actual address',
  BODY_TOO_LARGE:
    'the registry, or a proxy in front of it, limits the size of bodies too tightly: raise its limit (nginx: client_max_body_size)',
  REFUSED: 'see the registry’s message',
  // The specification's code for failures without a code of their own.
  UNKNOWN: 'see the registry’s message, and its logs; some registries report a full disk this way',
};

/** The codes that have a remedy: all that we make ourselves, and those of the specification. */
export const knownRegistryCodes: readonly string[] = Object.keys(remedies);

/** The remedy if a web page answers. */
export const noRegistry = 'there is no registry at this address: check its name and port';

/**
 * What the operator can do about a code in its context; an unknown code gets the general advice.
 */
export function remedyFor(code: string, context: OperationContext, login?: LoginState): string {
  const remedy = (Object.hasOwn(remedies, code) ? remedies[code] : undefined) ?? 'see the registry’s message';
  return typeof remedy === 'string' ? remedy : remedy(context, login);
}

/** Whether a registry refused a manifest because something that it names is missing there. */
export function lacksContent(error: unknown): boolean {
  return error instanceof RegistryError && error.side === 'mirror' && error.code === 'MANIFEST_BLOB_UNKNOWN';
}
