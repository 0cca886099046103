import type * as z from 'zod';
import { lookupImage, resolveImages } from '../../core/mapping/lookup.ts';
import { type ImageKey, imageKey, presentMapping, type StoredMapping } from '../../core/mapping/record.ts';
import { InvalidCursorError, type MappingStore } from '../../core/mapping/store.ts';
import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import { fitsIntoAnswer, HttpError, type HttpRequest, type HttpResponse, json } from '../shared/http.ts';
import type { Call } from './call.ts';
import { conditionalJson } from './conditional.ts';
import { parseBody, parseQuery } from './parse-input.ts';
import { mappingsQuery, resolveBody } from './schemas/request.ts';

type MappingsQuery = z.output<typeof mappingsQuery>;

/** `GET /v1/mappings`: one mapping with `image=`, otherwise a list. */
export async function getMappings({ request, deployment }: Call): Promise<HttpResponse> {
  const { image, ...query } = parseQuery(request, mappingsQuery);
  const { mappings } = deployment;
  if (image === undefined) return await listMappings(query, request, mappings);
  const mapping = await lookupImage(mappings, keyOf(image), query.region);
  if (mapping) return conditionalJson(request, mapping);
  throw new HttpError(404, 'not_mirrored', `${image} has not been mirrored (yet)`);
}

async function listMappings(
  { region, ...query }: Omit<MappingsQuery, 'image'>,
  request: HttpRequest,
  mappings: MappingStore,
): Promise<HttpResponse> {
  // The host is not known yet: it has at most 253 characters.
  const longest = (stored: StoredMapping) =>
    presentMapping(stored, { [stored.mapping.region]: 'h'.repeat(253) });
  const [page, hosts] = await Promise.all([
    mappings.list({ fits: fitsIntoAnswer(longest), ...query }).catch(badCursor),
    mappings.registryHosts(),
  ]);
  return conditionalJson(request, {
    mappings: page.mappings.flatMap((stored) => presentMapping(stored, hosts, region) ?? []),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  });
}

/** `POST /v1/mappings/resolve` */
export async function resolveMappings({ request, deployment }: Call): Promise<HttpResponse> {
  const { images, region } = parseBody(request, resolveBody);
  return json(200, await resolveImages(deployment.mappings, images, region));
}

/** Parses a reference of a request. @throws HttpError 400 invalid_reference */
export function keyOf(image: string): ImageKey {
  try {
    return imageKey(parseReference(image));
  } catch (error) {
    if (error instanceof InvalidReferenceError) throw new HttpError(400, 'invalid_reference', error.message);
    throw error;
  }
}

/** For `.catch`: a cursor that we never issued is the caller's mistake. */
export function badCursor(error: unknown): never {
  if (error instanceof InvalidCursorError) throw new HttpError(400, 'invalid_cursor', error.message);
  throw error;
}
