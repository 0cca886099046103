import { jsonPointer } from './json-patch.ts';
import { fieldOf, listOf, textOf } from './json-value.ts';
import type { AdmissionRequest } from './review.ts';

/** An image reference in a Pod. */
export interface PodImage {
  /** As it stands there. */
  image: string;
  /** Where it stands, as a JSON Pointer. */
  path: string;
  /** The container whose original image is annotated; absent for others. */
  annotated?: string;
  /** For people: `container web`. */
  place: string;
}

/**
 * The kubelet makes this annotation for its static Pods, whose containers run whatever the
 * apiserver's copy says.
 * https://kubernetes.io/docs/reference/labels-annotations-taints/#kubernetes-io-config-mirror
 */
const staticPod = 'kubernetes.io/config.mirror';

/**
 * The most containers and volumes of one Pod. The apiserver stores larger ones, but nobody runs
 * them, and other Pods would wait while one of 8 MB is read.
 */
const mostPlaces = 1_000;

/**
 * The references that a request brings: all of a new Pod, and the ephemeral containers that are
 * added to a running one. Nothing else of a running Pod is ever changed, since another image
 * restarts a container.
 *
 * @throws Error if it has more than {@link mostPlaces} containers and volumes
 */
export function imagesOf(request: AdmissionRequest): PodImage[] {
  const { kind, operation, object, oldObject } = request;
  if (kind.kind !== 'Pod' || (kind.group ?? '') !== '') return [];
  if (fieldOf(fieldOf(fieldOf(object, 'metadata'), 'annotations'), staticPod) !== undefined) return [];
  const spec = fieldOf(object, 'spec');
  const places = placesIn(spec);
  if (places > mostPlaces)
    throw new Error(`it has ${places} containers and volumes, and ${mostPlaces} are read at most`);
  const subResource = request.subResource ?? '';
  if (operation === 'CREATE' && subResource === '') return imagesOfNewPod(spec);
  if (operation === 'UPDATE' && subResource === 'ephemeralcontainers') {
    const before = fieldOf(oldObject, 'spec');
    if (before === undefined) return [];
    const running = new Set(
      listOf(fieldOf(before, 'ephemeralContainers')).map((each) => fieldOf(each, 'name')),
    );
    return ephemeralImages(spec)
      .filter(({ name }) => !running.has(name))
      .map(({ image }) => image);
  }
  return [];
}

function placesIn(spec: unknown): number {
  return ['initContainers', 'containers', 'ephemeralContainers', 'volumes']
    .map((key) => listOf(fieldOf(spec, key)).length)
    .reduce((sum, length) => sum + length);
}

function imagesOfNewPod(spec: unknown): PodImage[] {
  return [
    ...containerImages(spec, 'initContainers', 'init container').map(annotated),
    ...containerImages(spec, 'containers', 'container').map(annotated),
    ...ephemeralImages(spec).map(({ image }) => image),
    ...listOf(fieldOf(spec, 'volumes')).flatMap((volume, at) => {
      const image = textOf(fieldOf(fieldOf(volume, 'image'), 'reference'));
      if (image === undefined) return [];
      const path = jsonPointer('spec', 'volumes', at, 'image', 'reference');
      return [{ image, path, place: `volume ${nameIn(volume)}` }];
    }),
  ];
}

/** The apiserver stores no annotation of a request to add ephemeral containers. */
function ephemeralImages(spec: unknown): { name: unknown; image: PodImage }[] {
  return containerImages(spec, 'ephemeralContainers', 'ephemeral container');
}

function containerImages(spec: unknown, key: string, what: string): { name: unknown; image: PodImage }[] {
  return listOf(fieldOf(spec, key)).flatMap((container, at) => {
    const image = textOf(fieldOf(container, 'image'));
    if (image === undefined) return [];
    const path = jsonPointer('spec', key, at, 'image');
    return [
      { name: fieldOf(container, 'name'), image: { image, path, place: `${what} ${nameIn(container)}` } },
    ];
  });
}

function annotated({ name, image }: { name: unknown; image: PodImage }): PodImage {
  return typeof name === 'string' ? { ...image, annotated: name } : image;
}

/** A name as messages show it: it has not been validated yet. */
function nameIn(value: unknown): string {
  const name = fieldOf(value, 'name');
  return typeof name === 'string' && /^[\w.-]{1,63}$/.test(name) ? name : 'without a valid name';
}
