import { type JsonObject, listOf, objectOf } from '../admission/json-value.ts';
import { originalImagePrefix } from '../mapping/original-image.ts';
import { isDigest } from '../oci/digest.ts';

/** An image of a pod. */
export interface PodImage {
  /** As it stands in the pod. */
  text: string;
  /** What stood there before an admission policy or webhook pointed it to the mirror. */
  original?: string;
  /** The digest that the node runs, if its status tells. */
  digest?: string;
}

/** What is read of a pod. */
export interface PodFacts {
  name: string;
  namespace: string;
  images: PodImage[];
  hasPullSecrets: boolean;
}

/** What is read of a node. */
export interface NodeFacts {
  /** `linux/arm64`; absent if the node does not tell. */
  platform?: string;
  /** Of its well-known label. */
  region?: string;
}

/** Whether a value is a Pod; lists of the API leave out their items’ kinds. */
export function isPod(value: unknown): boolean {
  const { kind, spec } = fields(value);
  return kind === undefined ? Array.isArray(fields(spec).containers) : kind === 'Pod';
}

/** Whether a value is a Node. */
export function isNode(value: unknown): boolean {
  const { kind, status } = fields(value);
  return kind === undefined ? fields(status).nodeInfo !== undefined : kind === 'Node';
}

/**
 * Reads a pod, whatever its fields hold.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
 */
export function readPod(value: unknown): PodFacts {
  const { metadata, spec, status } = fields(value);
  const { name, namespace, annotations } = fields(metadata);
  const { containers, initContainers, ephemeralContainers, volumes, imagePullSecrets } = fields(spec);
  const digests = runningDigests(fields(status));
  const images = [containers, initContainers, ephemeralContainers].flatMap(listOf).flatMap((each) => {
    const container = fields(each);
    const image = text(container.image);
    // With `image: ""` a workload leaves the choice to what creates its pods.
    if (image === undefined || image === '') return [];
    const original = text(fields(annotations)[`${originalImagePrefix}${text(container.name) ?? ''}`]);
    const digest = digests.get(text(container.name) ?? '');
    return [{ text: image, ...(original && { original }), ...(digest && { digest }) }];
  });
  const mounted = listOf(volumes)
    .map((volume) => text(fields(fields(volume).image).reference))
    .filter((reference) => reference !== undefined && reference !== '');
  return {
    name: text(name) ?? '',
    namespace: text(namespace) ?? '',
    images: [...images, ...mounted.map((reference) => ({ text: reference as string }))],
    hasPullSecrets: listOf(imagePullSecrets).length > 0,
  };
}

/** Reads a node. https://kubernetes.io/docs/reference/labels-annotations-taints/ */
export function readNode(value: unknown): NodeFacts {
  const { metadata, status } = fields(value);
  const { operatingSystem, architecture } = fields(fields(status).nodeInfo);
  const region = text(fields(fields(metadata).labels)['topology.kubernetes.io/region']);
  const [os, arch] = [text(operatingSystem), text(architecture)];
  return {
    ...(os && arch && { platform: `${os}/${arch}` }),
    ...(region && { region }),
  };
}

/** The digest at the end of `imageID`, by the container’s name. */
function runningDigests(status: JsonObject): Map<string, string> {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = status;
  const all = [containerStatuses, initContainerStatuses, ephemeralContainerStatuses].flatMap(listOf);
  return new Map(
    all.flatMap((each) => {
      const { name, imageID } = fields(each);
      // Without a repository it is the ID of the image’s configuration.
      const [repository, digest] = (text(imageID) ?? '').split('@');
      return repository && digest && isDigest(digest) ? [[text(name) ?? '', digest] as const] : [];
    }),
  );
}

function fields(value: unknown): JsonObject {
  return objectOf(value) ?? {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
