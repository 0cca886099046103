import * as z from 'zod';
import { type Digest, isDigest } from '../../../core/oci/digest.ts';
import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { ApiError, invalidParameter } from './errors.ts';
import { parseInput, repositoryInput, requireRepository } from './input.ts';

/** BatchCheckLayerAvailability: which of up to 100 blobs the repository has. */
export async function batchCheckLayerAvailability(context: RegistryContext, body: unknown): Promise<unknown> {
  const input = parseInput(z.object({ ...repositoryInput, layerDigests: z.array(z.string()) }), body);
  if (input.layerDigests.length < 1 || input.layerDigests.length > 100) {
    throw invalidParameter('layerDigests', 'Member must have length between 1 and 100');
  }
  const repository = requireRepository(context, input);
  const digests = [...new Set(input.layerDigests)];
  const layers = digests.filter(isLayerDigest).map((layerDigest) => {
    const layerSize = repository.layers.get(layerDigest);
    if (layerSize === undefined) return { layerDigest, layerAvailability: 'UNAVAILABLE' };
    const archived = repository.archivedLayers.has(layerDigest);
    return { layerDigest, layerAvailability: archived ? 'ARCHIVED' : 'AVAILABLE', layerSize };
  });
  const failures = digests
    .filter((digest) => !isLayerDigest(digest))
    .map((layerDigest) => ({
      layerDigest,
      failureCode: 'InvalidLayerDigest',
      failureReason: 'Invalid layer digest: it must be sha256: and 64 hexadecimal digits',
    }));
  return { layers, failures };
}

/** ECR does not support sha512, which the image specification also allows. */
function isLayerDigest(text: string): text is Digest {
  return isDigest(text) && text.startsWith('sha256:');
}

/** GetDownloadUrlForLayer: a link that needs no credentials. */
export async function getDownloadUrlForLayer(
  context: RegistryContext,
  body: unknown,
  exchange: HttpExchange,
): Promise<unknown> {
  const input = parseInput(z.object({ ...repositoryInput, layerDigest: z.string() }), body);
  const repository = requireRepository(context, input);
  const { layerDigest } = input;
  if (!isDigest(layerDigest)) throw invalidParameter('layerDigest', 'must be a digest such as sha256:…');
  if (!repository.layers.has(layerDigest) || repository.archivedLayers.has(layerDigest)) {
    throw new ApiError(
      'LayersNotFoundException',
      `The layer with digest '${layerDigest}' does not exist in the repository with name '${repository.name}' in the registry with id '${context.accountId}'`,
    );
  }
  return { layerDigest, downloadUrl: context.links.linkTo(layerDigest, exchange.origin) };
}
