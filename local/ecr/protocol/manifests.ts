import { type Digest, isDigest } from '../../../core/oci/digest.ts';
import { maxManifestBytes } from '../../../core/oci/manifest.ts';
import { isTag } from '../../../core/oci/reference.ts';
import { tellImageAction } from '../events.ts';
import type { HttpExchange } from '../http-exchange.ts';
import { findManifest, type PutManifestOutcome, putManifest } from '../put-manifest.ts';
import type { RegistryContext } from '../registry-context.ts';
import { defaultSettings, type Repository } from '../repository.ts';
import { listDigests, nameUnknown, type ProtocolError, sendError } from './errors.ts';
import type { RouteInput } from './route.ts';

/**
 * `GET` and `HEAD …/manifests/<reference>`: the bytes as they were pushed, whatever the client
 * accepts.
 */
export async function getManifest(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name, item }: RouteInput,
): Promise<void> {
  const repository = context.catalog.repository(name);
  if (repository === undefined) return sendError(exchange, nameUnknown(context, name));
  const manifest = findManifest(repository, item);
  if (manifest === undefined) {
    return sendError(exchange, {
      status: 404,
      code: 'MANIFEST_UNKNOWN',
      message: 'Requested image not found',
    });
  }
  const headers = {
    'content-type': manifest.mediaType,
    'docker-content-digest': manifest.digest,
    'content-length': manifest.size,
  };
  if (exchange.method === 'HEAD') return exchange.send(200, headers);
  await exchange.sendStream(200, headers, await context.catalog.blobs.read(manifest.digest));
}

/** `PUT …/manifests/<reference>`: accepts a manifest if everything that it names is present. */
export async function putManifestOver(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name, item }: RouteInput,
): Promise<void> {
  const isEcr = context.flavour === 'ecr';
  if (!isDigest(item) && !isTag(item)) {
    const message = `${JSON.stringify(item.slice(0, 200))} is neither a tag nor a digest`;
    return sendError(exchange, { status: 400, code: 'TAG_INVALID', message });
  }
  const bytes = await exchange.readBody(maxManifestBytes);
  let repository = context.catalog.repository(name);
  if (repository === undefined) {
    if (isEcr) return sendError(exchange, nameUnknown(context, name));
    repository = await ensureRepository(context, name);
  }
  const reference = isDigest(item) ? { digest: item } : { tag: item };
  const outcome = await putManifest(context.catalog, repository, {
    bytes,
    mediaType: exchange.header('content-type'),
    refuseMediaTypeParameters: isEcr,
    ...reference,
  });
  if (outcome.kind !== 'stored') {
    const refusal = isEcr ? ecrRefusal(context, name, item, outcome) : distributionRefusal(outcome);
    return sendError(exchange, refusal);
  }
  const { digest, subject } = outcome.manifest;
  if (isEcr) {
    tellImageAction(context, 'PUSH', { repository: name, digest, tag: isDigest(item) ? undefined : item });
    context.scans.pushed(repository, outcome.manifest, context.catalog.now());
  }
  await exchange.send(201, {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    // Says that the referrers API lists it. Whether ECR does so is not known; without it, clients
    // keep the fallback tag.
    ...(subject === undefined || isEcr ? {} : { 'oci-subject': subject }),
  });
}

/** The first push creates a repository of a plain registry. */
export async function ensureRepository(context: RegistryContext, name: string): Promise<Repository> {
  for (;;) {
    const repository =
      context.catalog.repository(name) ?? (await context.catalog.createRepository(name, defaultSettings));
    if (repository !== undefined) return repository;
  }
}

type Refusal = Exclude<PutManifestOutcome, { kind: 'stored' }>;

/** ECR's own codes and messages, as quoted in the issues beside each. */
function ecrRefusal(context: RegistryContext, name: string, item: string, refusal: Refusal): ProtocolError {
  const required = (what: string, digests: Digest[]): string =>
    `${what} with digests ${listDigests(digests)} required for pushing image into repository with name '${name}' ` +
    `in the registry with id '${context.accountId}' do not exist`;
  switch (refusal.kind) {
    case 'invalid': // falcosecurity/falcoctl#302
      return {
        status: 405,
        code: 'UNSUPPORTED',
        message: "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'",
        detail: refusal.message,
      };
    case 'digest-mismatch': // google/go-containerregistry#1568
      return {
        status: 400,
        code: 'MANIFEST_INVALID',
        message:
          `The image with digest '${item}' in repository '${name}' and registry ID '${context.accountId}' ` +
          'does not match the image digest that Amazon ECR has calculated.',
      };
    case 'layers-missing': // oras-project/oras-py#54
      return { status: 404, code: 'BLOB_UPLOAD_UNKNOWN', message: required('Layers', refusal.digests) };
    case 'images-missing': // int128/docker-manifest-create-action#63
      return { status: 404, code: 'MANIFEST_BLOB_UNKNOWN', message: required('Images', refusal.digests) };
    case 'tag-immutable': // CR#2380, moby/buildkit#3776
      return {
        status: 400,
        code: 'TAG_INVALID',
        message:
          `The image tag '${refusal.tag}' already exists in the '${name}' repository and cannot be overwritten ` +
          'because the tag is immutable.',
      };
  }
}

/** The answers of distribution 2.8: registry/handlers/manifests.go. */
function distributionRefusal(refusal: Refusal): ProtocolError {
  switch (refusal.kind) {
    case 'invalid':
      return { status: 400, code: 'MANIFEST_INVALID', message: 'manifest invalid', detail: refusal.message };
    case 'digest-mismatch':
      return {
        status: 400,
        code: 'DIGEST_INVALID',
        message: `provided digest did not match uploaded content, which has ${refusal.calculated}`,
      };
    case 'layers-missing':
    case 'images-missing':
      return {
        status: 400,
        code: 'MANIFEST_BLOB_UNKNOWN',
        message: 'manifest blob unknown to registry',
        detail: refusal.digests,
      };
    case 'tag-immutable':
      return { status: 409, code: 'TAG_INVALID', message: `the tag ${refusal.tag} may not be moved` };
  }
}

/**
 * `DELETE …/manifests/<reference>`: by digest with all its tags, or only a tag. ECR uses
 * `BatchDeleteImage` for that.
 */
export async function deleteManifest(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name, item }: RouteInput,
): Promise<void> {
  if (context.flavour === 'ecr') {
    const message = 'The operation is unsupported: delete images with BatchDeleteImage';
    return sendError(exchange, { status: 405, code: 'UNSUPPORTED', message });
  }
  const repository = context.catalog.repository(name);
  if (repository === undefined) return sendError(exchange, nameUnknown(context, name));
  const manifest = findManifest(repository, item);
  if (manifest === undefined) {
    return sendError(exchange, { status: 404, code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' });
  }
  if (isDigest(item)) await context.catalog.removeManifest(repository, item);
  else await context.catalog.removeTag(repository, item);
  await exchange.send(202);
}
