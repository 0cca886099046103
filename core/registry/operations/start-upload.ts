import { type Digest, isDigest } from '../../oci/digest.ts';
import { repositoryScope } from '../auth/scopes.ts';
import { RegistryError } from '../errors.ts';
import type { Answer, Call, CallOptions, Exchange } from '../exchange.ts';
import { discard } from '../transport/body.ts';
import { resolveLocation } from '../transport/redirects.ts';
import { expectContentDigest } from './headers.ts';
import { repositoryUrl } from './paths.ts';

/**
 * An upload in progress; plain data. Each answer may bring a new location: continue with the
 * session that was returned last.
 */
export interface UploadSession {
  repository: string;
  /** Absolute; its query may hold the registry's state, so it must not be logged. */
  location: string;
  /** The minimum size of a chunk other than the last, in bytes: `OCI-Chunk-Min-Length`. */
  minChunkBytes?: number;
}

export interface StartUploadOptions extends CallOptions {
  /**
   * Asks to mount the blob from another repository of the registry instead; without `from`, the
   * registry looks for it.
   */
  mount?: { digest: Digest; from?: string };
}

/** The result of starting an upload. */
export type StartedUpload =
  | { kind: 'mounted' }
  | { kind: 'session'; session: UploadSession }
  /**
   * The registry refuses to mount, from this repository or at all. Call `remember` once a plain
   * upload has begun, and it is not asked again. If the registry refuses that, too, it refused the
   * caller, not the mount (an expired login).
   */
  | { kind: 'refused'; remember: () => void };

/**
 * How registries refuse a mount instead of answering with a session: a repository of another login
 * (https://github.com/vmware-tanzu/carvel-imgpkg/issues/294), an unexpected parameter, an internal
 * error (https://github.com/containerd/containerd/issues/14086,
 * https://github.com/goharbor/harbor/issues/22078).
 */
const mountRefusals = [400, 401, 403, 404, 405, 500, 501];
/** Refusals that concern the repository to mount from. The others concern mounting as such. */
const refusalsOfSource: ReadonlySet<number> = new Set([401, 403, 404]);

/**
 * Begins an upload, or mounts a blob: `POST …/blobs/uploads/`
 * (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-blobs). A
 * registry that does not mount answers with a session for a plain upload; so does ECR until a
 * manifest of the source names the blob (CR#2860). A refusal only costs this request: the caller
 * starts again without a mount. Retried: an attempt leaves only an empty session behind.
 */
export async function startUpload(
  exchange: Exchange,
  repository: string,
  { mount, signal }: StartUploadOptions = {},
): Promise<StartedUpload> {
  const url = repositoryUrl(exchange.endpoint, repository, 'blobs/uploads/');
  const scopes = [repositoryScope(repository, 'pull', 'push')];
  // From the repository itself, it only asks whether the blob is already there.
  const mounts = mount !== undefined && mount.from !== repository;
  const call = { operation: mounts ? 'mount blob' : 'start upload', repository };
  if (mount) {
    if (!isDigest(mount.digest))
      throw new TypeError(`mount.digest: ${JSON.stringify(mount.digest)} is not a digest`);
    url.searchParams.set('mount', mount.digest);
    if (mount.from !== undefined) {
      // To validate the name.
      repositoryUrl(exchange.endpoint, mount.from, '');
      url.searchParams.set('from', mount.from);
      // Another scope would need another token.
      if (mounts) scopes.push(repositoryScope(mount.from, 'pull'));
    }
  }
  const refuse = (status: number): StartedUpload => {
    const feature = mounts ? 'mount' : 'self-mount';
    const of = mounts && refusalsOfSource.has(status) ? mount?.from : undefined;
    return { kind: 'refused', remember: () => exchange.refused.add(feature, of) };
  };
  const starting = exchange.perform<StartedUpload>(
    {
      ...call,
      ...(mount ? { reference: mount.digest } : {}),
      method: 'POST',
      url,
      scopes,
      expect: mount ? [201, 202, ...mountRefusals] : [202],
      unknownCode: 'NAME_UNKNOWN',
      retry: true,
      signal,
    },
    async (answer) => {
      // Read to its end, which has already arrived: the connection is then free for the upload's
      // next request.
      await discard(answer.body);
      if (mount && answer.status === 201) {
        expectContentDigest(answer, mount.digest, exchange.context(call));
        return { kind: 'mounted' };
      }
      if (answer.status !== 202) return refuse(answer.status);
      return { kind: 'session', session: nextSession(exchange, call, repository, answer) };
    },
  );
  if (!mount) return await starting;
  return await starting.catch((error): StartedUpload => {
    // Any other answer may concern the mount, or the token for both repositories. So may a
    // connection that is cut off. A plain upload shows whether it does.
    if (!(error instanceof RegistryError) || isAboutUpload(error)) throw error;
    return error.temporary || error.status === undefined
      ? { kind: 'refused', remember: () => {} }
      : refuse(error.status);
  });
}

/** A rate limit does not refuse the mount, and an invalid answer would come again. */
function isAboutUpload({ status, code }: RegistryError): boolean {
  return (
    status === 429 ||
    ['LOCATION_REFUSED', 'DIGEST_INVALID', 'ADDRESS_REFUSED', 'REDIRECT_REFUSED'].includes(code)
  );
}

/** The session to continue with, from an answer's `Location`; throws LOCATION_REFUSED. */
export function nextSession(
  exchange: Exchange,
  call: Pick<Call, 'operation' | 'repository'>,
  repository: string,
  answer: Answer,
): UploadSession {
  const next = resolveLocation(exchange.hosts, answer.url, answer.header('location'));
  if (next.ok) {
    const session: UploadSession = { repository, location: next.url.href };
    // https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-a-blob-in-chunks
    const min = answer.header('oci-chunk-min-length')?.trim() ?? '';
    if (/^\d{1,15}$/.test(min)) session.minChunkBytes = Number(min);
    return session;
  }
  throw new RegistryError(exchange.context(call), {
    code: 'LOCATION_REFUSED',
    status: answer.status,
    reason: next.reason,
  });
}
