import * as z from 'zod';
import { digestAlgorithm, isDigest } from '../../../core/oci/digest.ts';
import type { RegistryContext } from '../registry-context.ts';
import { maxParts, partBytes, type UploadSession } from '../upload-sessions.ts';
import { ApiError, invalidParameter } from './errors.ts';
import { parseInput, repositoryInput, requireRepository } from './input.ts';

/** InitiateLayerUpload. */
export async function initiateLayerUpload(context: RegistryContext, body: unknown): Promise<unknown> {
  const repository = requireRepository(context, parseInput(z.object(repositoryInput), body));
  const { id } = await context.uploads.create('api', repository.name);
  return { uploadId: id, partSize: partBytes };
}

const part = z.object({
  ...repositoryInput,
  uploadId: z.string(),
  partFirstByte: z.number().int().min(0),
  partLastByte: z.number().int().min(0),
  layerPartBlob: z.string(),
});

/** UploadLayerPart: the next bytes, in order; both ends of the range are inclusive. */
export async function uploadLayerPart(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(part, body);
  const repository = requireRepository(context, input);
  const session = requireSession(context, repository.name, input.uploadId);
  const bytes = Buffer.from(input.layerPartBlob, 'base64');
  if (bytes.length > partBytes) throw limitExceeded(`a layer part may have ${partBytes} bytes at most`);
  if (session.parts >= maxParts) throw limitExceeded(`a layer may have ${maxParts} parts at most`);
  const { length } = session.partial;
  const refuse = (reason: string): ApiError =>
    new ApiError(
      'InvalidLayerPartException',
      `Layer part is invalid: ${reason}. Registry id: '${context.accountId}', repository: '${repository.name}', ` +
        `upload: '${session.id}', last valid byte received: ${length - 1}`,
      {
        registryId: context.accountId,
        repositoryName: repository.name,
        uploadId: session.id,
        // -1 before the first part: the inclusive form of "none"; what ECR returns then is not
        // documented.
        lastValidByteReceived: length - 1,
      },
    );
  if (session.busy) throw refuse('another part is being received');
  if (input.partFirstByte !== length) {
    throw refuse(`First byte of the layer part is ${input.partFirstByte} instead of ${length}`);
  }
  if (input.partLastByte - input.partFirstByte + 1 !== bytes.length) {
    throw refuse(`its range and its ${bytes.length} bytes disagree`);
  }
  await context.uploads.append(session, single(bytes));
  return {
    registryId: context.accountId,
    repositoryName: repository.name,
    uploadId: session.id,
    lastByteReceived: session.partial.length - 1,
  };
}

/** CompleteLayerUpload: checks the digest and adds the layer to the repository. */
export async function completeLayerUpload(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(
    z.object({ ...repositoryInput, uploadId: z.string(), layerDigests: z.array(z.string()).min(1).max(100) }),
    body,
  );
  const repository = requireRepository(context, input);
  const session = requireSession(context, repository.name, input.uploadId);
  const where = `The upload with id '${session.id}' in the repository with name '${repository.name}' in registry with id '${context.accountId}'`;
  const digests = input.layerDigests.filter(isDigest);
  const digest = digests[0];
  if (digest === undefined) throw invalidParameter('layerDigests', 'must be digests such as sha256:…');
  if (session.partial.length === 0) {
    throw new ApiError(
      'EmptyUploadException',
      `${where} cannot be completed because it does not have any parts`,
    );
  }
  if (session.busy) throw new ApiError('UploadNotFoundException', `${where} is receiving a part`);
  session.busy = true;
  if (session.undersized) {
    await context.uploads.discard(session);
    throw new ApiError(
      'LayerPartTooSmallException',
      `${where} has parts of less than 5 MiB before the last one`,
    );
  }
  const calculated = await session.partial.digest(digestAlgorithm(digest));
  if (!digests.includes(calculated)) {
    await context.uploads.discard(session);
    throw new ApiError(
      'InvalidLayerException',
      'None of the provided layer digests match the calculated layer digest',
    );
  }
  if (repository.layers.has(calculated)) {
    await context.uploads.discard(session);
    throw new ApiError(
      'LayerAlreadyExistsException',
      `The layer with digest '${calculated}' already exists in the repository with name '${repository.name}' in registry with id '${context.accountId}'`,
    );
  }
  await context.uploads.finish(session);
  await context.catalog.addLayer(repository, calculated, session.partial);
  return {
    registryId: context.accountId,
    repositoryName: repository.name,
    uploadId: session.id,
    layerDigest: calculated,
  };
}

function requireSession(context: RegistryContext, repository: string, uploadId: string): UploadSession {
  const session = context.uploads.find('api', repository, uploadId);
  if (session !== undefined) return session;
  throw new ApiError(
    'UploadNotFoundException',
    `The upload with id '${uploadId}' does not exist in the repository with name '${repository}' in the registry with id '${context.accountId}'`,
  );
}

function limitExceeded(message: string): ApiError {
  return new ApiError('LimitExceededException', message);
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
