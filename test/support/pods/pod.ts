/** A container, as far as the table has fields. */
export interface PodContainer {
  name: string;
  image: string;
  [field: string]: unknown;
}

/** A pod as it is sent to be created, before defaults are filled in. */
export interface Pod {
  apiVersion: 'v1';
  kind: 'Pod';
  metadata: {
    name: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: {
    containers: PodContainer[];
    initContainers?: PodContainer[];
    /** Only in what an update of the pod's subresource `ephemeralcontainers` sends. */
    ephemeralContainers?: PodContainer[];
    volumes?: { name: string; [source: string]: unknown }[];
    [field: string]: unknown;
  };
}
