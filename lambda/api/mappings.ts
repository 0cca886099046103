import { lookupImage, resolveImages } from '../../core/mapping/lookup.ts';
import { type ImageKey, imageKey, presentMapping, type StoredMapping } from '../../core/mapping/record.ts';
import { InvalidCursorError, type MappingStore } from '../../core/mapping/store.ts';
import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import {
  fitsIntoAnswer,
  HttpError,
  type HttpRequest,
  type HttpResponse,
  json,
  jsonObject,
} from '../shared/http.ts';
import type { Call } from './call.ts';
import { conditionalJson } from './conditional.ts';
import { limitOf, nameOf, regionOf, textList } from './parameters.ts';

const defaultLimit = 100;
const maxLimit = 1_000;
/** How many references one request resolves at most. */
const maxImages = 1_000;

/** `GET /v1/mappings`: one mapping with `image=`, otherwise a list. */
export async function getMappings({ request, deployment }: Call): Promise<HttpResponse> {
  const { mappings } = deployment;
  const image = request.query.get('image');
  return image === null ? await listMappings(request, mappings) : await getMapping(image, request, mappings);
}

async function getMapping(
  image: string,
  request: HttpRequest,
  mappings: MappingStore,
): Promise<HttpResponse> {
  const mapping = await lookupImage(mappings, keyOf(image), regionOf(request));
  if (mapping) return conditionalJson(request, mapping);
  throw new HttpError(404, 'not_mirrored', `${image} has not been mirrored (yet)`);
}

async function listMappings(request: HttpRequest, mappings: MappingStore): Promise<HttpResponse> {
  const region = regionOf(request);
  // The host is not known yet: it has at most 253 characters.
  const longest = (stored: StoredMapping) =>
    presentMapping(stored, { [stored.mapping.region]: 'h'.repeat(253) });
  const [page, hosts] = await Promise.all([
    mappings
      .list({
        fits: fitsIntoAnswer(longest),
        registry: nameOf(request, 'registry'),
        repository: nameOf(request, 'repository'),
        cursor: request.query.get('cursor') ?? undefined,
        limit: limitOf(request, defaultLimit, maxLimit),
      })
      .catch(badCursor),
    mappings.registryHosts(),
  ]);
  const list = page.mappings.flatMap((stored) => presentMapping(stored, hosts, region) ?? []);
  return conditionalJson(request, {
    mappings: list,
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  });
}

/** `POST /v1/mappings/resolve` */
export async function resolveMappings({ request, deployment }: Call): Promise<HttpResponse> {
  const body = jsonObject(request);
  const images = textList(body, 'images', maxImages);
  const { region } = body;
  if (region !== undefined && typeof region !== 'string') {
    throw new HttpError(400, 'invalid_request', 'region must be a string such as eu-west-1');
  }
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
