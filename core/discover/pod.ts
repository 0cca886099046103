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

/** The annotation with a container’s image as it was before it was pointed to the mirror. */
const originalImage = 'original-image.drayage.dev/';

type Fields = Record<string, unknown>;

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
  const images = [containers, initContainers, ephemeralContainers].flatMap(list).flatMap((each) => {
    const container = fields(each);
    const image = text(container.image);
    // With `image: ""` a workload leaves the choice to what creates its pods.
    if (image === undefined || image === '') return [];
    const original = text(fields(annotations)[`${originalImage}${text(container.name) ?? ''}`]);
    const digest = digests.get(text(container.name) ?? '');
    return [{ text: image, ...(original && { original }), ...(digest && { digest }) }];
  });
  const mounted = list(volumes)
    .map((volume) => text(fields(fields(volume).image).reference))
    .filter((reference) => reference !== undefined && reference !== '');
  return {
    name: text(name) ?? '',
    namespace: text(namespace) ?? '',
    images: [...images, ...mounted.map((reference) => ({ text: reference as string }))],
    hasPullSecrets: list(imagePullSecrets).length > 0,
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
function runningDigests(status: Fields): Map<string, string> {
  const { containerStatuses, initContainerStatuses, ephemeralContainerStatuses } = status;
  const all = [containerStatuses, initContainerStatuses, ephemeralContainerStatuses].flatMap(list);
  return new Map(
    all.flatMap((each) => {
      const { name, imageID } = fields(each);
      // Without a repository it is the ID of the image’s configuration.
      const [repository, digest] = (text(imageID) ?? '').split('@');
      return repository && digest && isDigest(digest) ? [[text(name) ?? '', digest] as const] : [];
    }),
  );
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
