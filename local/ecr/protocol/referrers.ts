import { isDigest } from '../../../core/oci/digest.ts';
import { mediaTypes } from '../../../core/oci/media-types.ts';
import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { nameUnknown, sendError } from './errors.ts';
import type { RouteInput } from './route.ts';

/**
 * `GET …/referrers/<digest>`: the manifests with this subject, as an index; empty if there are
 * none. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
export async function listReferrers(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name, item }: RouteInput,
): Promise<void> {
  if (!isDigest(item)) {
    return sendError(exchange, {
      status: 400,
      code: 'DIGEST_INVALID',
      message: 'the subject is named by its digest',
    });
  }
  const repository = context.catalog.repository(name);
  if (repository === undefined) return sendError(exchange, nameUnknown(context, name));
  const wanted = exchange.query.get('artifactType');
  const manifests = [...repository.manifests.values()]
    .filter(
      ({ subject, artifactType, archivedAt }) =>
        subject === item && archivedAt === undefined && (wanted === null || artifactType === wanted),
    )
    .sort((a, b) => a.pushedAt - b.pushedAt || (a.digest < b.digest ? -1 : 1))
    .map(({ mediaType, digest, size, artifactType, annotations }) => ({
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    }));
  await exchange.sendJson(
    200,
    { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests },
    {
      'content-type': mediaTypes.ociIndex,
      ...(wanted === null ? {} : { 'oci-filters-applied': 'artifactType' }),
    },
  );
}
