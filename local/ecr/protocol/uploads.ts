import { type Digest, digestAlgorithm, isDigest } from '../../../core/oci/digest.ts';
import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { isReferred, type Repository } from '../repository.ts';
import type { UploadSession } from '../upload-sessions.ts';
import { nameUnknown, type ProtocolError, sendError } from './errors.ts';
import { ensureRepository } from './manifests.ts';
import type { RouteInput } from './route.ts';

/**
 * `POST …/blobs/uploads/`: mounts a blob, or starts an upload. It does not check whether the blob
 * is present, since ECR does not.
 */
export async function startUpload(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name }: RouteInput,
): Promise<void> {
  let repository = context.catalog.repository(name);
  if (repository === undefined) {
    // CR#1970: ECR closes the connection instead of answering that the repository does not exist.
    if (context.flavour === 'ecr') return exchange.drop();
    repository = await ensureRepository(context, name);
  }
  const mount = exchange.query.get('mount');
  if (mount !== null && isDigest(mount)) {
    const from = mountSource(context, mount, exchange.query.get('from'), repository);
    if (from !== undefined && (await context.catalog.mountLayer(repository, mount, from))) {
      return sendCreated(context, exchange, name, mount);
    }
  }
  const session = await context.uploads.create('distribution', name);
  await exchange.send(202, uploadHeaders(context, exchange, session));
}

/**
 * The repository from which a blob can be mounted. ECR: only with the account setting, only from
 * the named repository, only once a manifest there refers to the blob (CR#2860), and only with the
 * same encryption. https://docs.aws.amazon.com/AmazonECR/latest/userguide/blob-mounting.html
 */
function mountSource(
  context: RegistryContext,
  digest: Digest,
  from: string | null,
  target: Repository,
): Repository | undefined {
  if (context.flavour === 'distribution') {
    const sources = from === null ? context.catalog.repositories() : [context.catalog.repository(from)];
    return sources.find((source) => source?.layers.has(digest));
  }
  const source = context.catalog.repository(from ?? '');
  if (source === undefined || context.catalog.setting('BLOB_MOUNTING') !== 'ENABLED') return undefined;
  const sameEncryption =
    JSON.stringify(source.settings.encryptionConfiguration) ===
    JSON.stringify(target.settings.encryptionConfiguration);
  return sameEncryption && isReferred(source, digest) ? source : undefined;
}

/** `PATCH …/blobs/uploads/<id>`: one chunk; without Content-Range it is appended. */
export async function patchUpload(
  context: RegistryContext,
  exchange: HttpExchange,
  input: RouteInput,
): Promise<void> {
  const session = await findSession(context, exchange, input);
  if (session === undefined) return;
  const problem = rangeProblem(context, exchange, session, session.partial.length);
  if (problem !== undefined) return sendError(exchange, problem);
  await context.uploads.append(session, exchange.body());
  // ECR: 201 instead of 202 (CR#2831).
  await exchange.send(context.flavour === 'ecr' ? 201 : 202, uploadHeaders(context, exchange, session));
}

/**
 * `PUT …/blobs/uploads/<id>?digest=…`: sends the last bytes, or all of them, and completes the
 * upload.
 */
export async function putUpload(
  context: RegistryContext,
  exchange: HttpExchange,
  input: RouteInput,
): Promise<void> {
  const digest = exchange.query.get('digest');
  if (!isDigest(digest)) {
    const message = 'the query needs digest=sha256:… of the whole blob';
    return sendError(exchange, { status: 400, code: 'DIGEST_INVALID', message });
  }
  const session = await findSession(context, exchange, input);
  if (session === undefined) return;
  const { length } = session.partial;
  // ECR takes a body without a range for the whole blob, so a broken PUT can't be retried in the
  // same upload (apple/containerization#790). Other registries append it.
  const problem = rangeProblem(
    context,
    exchange,
    session,
    context.flavour === 'ecr' && hasBody(exchange) ? 0 : length,
  );
  if (problem !== undefined) return sendError(exchange, problem);
  await context.uploads.append(session, exchange.body());
  session.busy = true;
  const refusal = await completionProblem(context, session, digest);
  if (refusal !== undefined) {
    await context.uploads.discard(session);
    return sendError(exchange, refusal);
  }
  const repository = context.catalog.repository(input.repository);
  if (repository === undefined) return sendError(exchange, nameUnknown(context, input.repository));
  await context.uploads.finish(session);
  await context.catalog.addLayer(repository, digest, session.partial);
  await sendCreated(context, exchange, input.repository, digest);
}

/** The problem with a completely received blob, if any. */
async function completionProblem(
  context: RegistryContext,
  session: UploadSession,
  digest: Digest,
): Promise<ProtocolError | undefined> {
  if (context.flavour === 'ecr') {
    if (session.partial.length === 0) {
      // devcontainers/cli#814, radius-project/radius#7887
      const message =
        `The upload with id '${session.id}' in the repository with name '${session.repository}' in registry with id ` +
        `'${context.accountId}' cannot be completed because it does not have any parts`;
      return { status: 400, code: 'BLOB_UPLOAD_INVALID', message };
    }
    if (session.undersized) {
      const message = 'Layer parts, other than the last one, must be at least 5242880 bytes in size';
      return { status: 400, code: 'BLOB_UPLOAD_INVALID', message };
    }
  }
  const calculated = await session.partial.digest(digestAlgorithm(digest));
  if (calculated === digest) return undefined;
  // dotnet/sdk-container-builds#424
  return context.flavour === 'ecr'
    ? {
        status: 400,
        code: 'BLOB_UPLOAD_INVALID',
        message: 'None of the provided layer digests match the calculated layer digest',
      }
    : {
        status: 400,
        code: 'DIGEST_INVALID',
        message: 'provided digest did not match uploaded content',
        detail: { provided: digest, calculated },
      };
}

/**
 * `GET …/blobs/uploads/<id>`: the progress of an upload. ECR Public is known to answer 404
 * (dotnet/sdk#33019), so ECR does here.
 */
export async function getUpload(
  context: RegistryContext,
  exchange: HttpExchange,
  input: RouteInput,
): Promise<void> {
  if (context.flavour === 'ecr') return sendError(exchange, uploadUnknown());
  const session = await findSession(context, exchange, input);
  if (session !== undefined) await exchange.send(204, uploadHeaders(context, exchange, session));
}

/** `DELETE …/blobs/uploads/<id>`: cancels an upload. ECR documents no such call. */
export async function deleteUpload(
  context: RegistryContext,
  exchange: HttpExchange,
  input: RouteInput,
): Promise<void> {
  if (context.flavour === 'ecr') {
    const message = 'The operation is unsupported';
    return sendError(exchange, { status: 405, code: 'UNSUPPORTED', message });
  }
  const session = await findSession(context, exchange, input);
  if (session === undefined) return;
  await context.uploads.discard(session);
  await exchange.send(204);
}

/**
 * The session that the path names. If there is none, or another request is writing to it, this
 * answers the request.
 */
async function findSession(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository, item }: RouteInput,
): Promise<UploadSession | undefined> {
  const session = context.uploads.find('distribution', repository, item);
  if (session?.busy === false) return session;
  if (session === undefined) await sendError(exchange, uploadUnknown());
  else {
    const message = 'another request is writing to this upload';
    await sendError(exchange, { status: 409, code: 'BLOB_UPLOAD_INVALID', message });
  }
  return undefined;
}

function uploadUnknown(): ProtocolError {
  return { status: 404, code: 'BLOB_UPLOAD_UNKNOWN', message: 'blob upload unknown to registry' };
}

/** @param implied the first byte if the request names none */
function rangeProblem(
  context: RegistryContext,
  exchange: HttpExchange,
  session: UploadSession,
  implied: number,
): ProtocolError | undefined {
  const header = exchange.header('content-range');
  const match = /^(?:bytes[ =])?(\d+)-(\d+)(?:\/(?:\d+|\*))?$/.exec(header ?? '');
  if (header !== undefined && match === null) {
    const message = `Content-Range must be <first>-<last>, but is ${JSON.stringify(header.slice(0, 100))}`;
    return { status: 400, code: 'BLOB_UPLOAD_INVALID', message };
  }
  const first = match === null ? implied : Number(match[1]);
  const expected = session.partial.length;
  if (first !== expected) {
    const message = `First byte of the layer part is ${first} instead of ${expected}`;
    return {
      status: 416,
      code: 'BLOB_UPLOAD_INVALID',
      message,
      headers: uploadHeaders(context, exchange, session),
    };
  }
  const length = exchange.header('content-length');
  if (match !== null && length !== undefined && Number(match[2]) - first + 1 !== Number(length)) {
    return { status: 400, code: 'SIZE_INVALID', message: 'Content-Range and Content-Length disagree' };
  }
  return undefined;
}

function hasBody(exchange: HttpExchange): boolean {
  return (
    exchange.header('transfer-encoding') !== undefined || Number(exchange.header('content-length') ?? 0) > 0
  );
}

/** The next address and the progress: ECR keeps repeating the first chunk's range (CR#2831). */
function uploadHeaders(
  context: RegistryContext,
  exchange: HttpExchange,
  session: UploadSession,
): Record<string, string> {
  const isEcr = context.flavour === 'ecr';
  const end = isEcr ? (session.firstChunkEnd ?? 0) : Math.max(session.partial.length - 1, 0);
  const path = `/v2/${session.repository}/blobs/uploads/${session.id}`;
  return {
    // Absolute in one flavour, relative and with a query in the other: clients must handle both.
    location: isEcr ? `${exchange.origin}${path}` : `${path}?_state=${session.id.replaceAll('-', '')}`,
    range: `0-${end}`,
    'docker-upload-uuid': session.id,
  };
}

async function sendCreated(
  context: RegistryContext,
  exchange: HttpExchange,
  name: string,
  digest: Digest,
): Promise<void> {
  const path = `/v2/${name}/blobs/${digest}`;
  await exchange.send(201, {
    location: context.flavour === 'ecr' ? `${exchange.origin}${path}` : path,
    'docker-content-digest': digest,
  });
}
