/**
 * The name of every format, with what it is for: one line without a full stop, for help texts. The
 * command line shows them without loading the formats.
 */
export const formatDescriptions = {
  json: 'all mappings as the API shows them; other commands read this file with --mapping',
  csv: 'a table for spreadsheets and scripts',
  imagemirror: 'the objects that the admission policy in a cluster reads',
  kustomize: 'a kustomize component that points images to the mirror, by digest',
  containerd: 'a script that writes containerd’s hosts.toml for each registry',
  'registries-conf': 'mirrors for CRI-O, Podman, Buildah and skopeo (registries.conf.d)',
  openshift: 'OpenShift’s ImageDigestMirrorSet and ImageTagMirrorSet',
  kyverno: 'a policy for Kyverno that points Pods to the mirror, and the entry that polls its table',
  'kyverno-data': 'the table that this entry polls: digests by repository and tag, as JSON',
} as const;

export type FormatName = keyof typeof formatDescriptions;

/** The formats that can be had as several files instead of one text. */
export const formatsWithFiles: ReadonlySet<FormatName> = new Set(['containerd']);
