import { createHash } from 'node:crypto';

/** A manifest, before and after. */
export interface BenchManifest {
  name: string;
  text: string;
  /** The same when its references name the mirror by digest. */
  rewritten: string;
}

/** A reference and its copy. */
export interface BenchMapping {
  image: string;
  mirror: string;
  pinned: string;
  digest: string;
}

/** Mappings of so many images. */
export function benchMappings(count: number): BenchMapping[] {
  return Array.from({ length: count }, (_, index) => {
    const repository = `team-${index % 37}/app-${index}`;
    const digest = `sha256:${createHash('sha256').update(repository).digest('hex')}`;
    const mirror = `registry.example/mirror/ghcr.io/${repository}`;
    const image = `ghcr.io/${repository}:1.${index % 10}.0`;
    return { image, mirror: `${mirror}:1.${index % 10}.0`, pinned: `${mirror}@${digest}`, digest };
  });
}

/** The size of a manifest, in characters: 5,000 of them are 30 MB. */
const size = 6_000;

/**
 * Manifests as people write them, each about 6 kB: Deployments with comments, anchors, folded and
 * literal texts, quotes of both kinds, other alphabets; every third has CRLF, every fifth tabs
 * before comments, every seventh is a CronJob in a List.
 *
 * @param tabs false for programs that refuse them, though YAML allows them
 */
export function* benchManifests(
  count: number,
  mappings: readonly BenchMapping[],
  { tabs }: { tabs: boolean },
): Generator<BenchManifest> {
  for (let index = 0; index < count; index++) {
    const images = [0, 1, 2].map((more) => mappings[(index * 3 + more) % mappings.length] as BenchMapping);
    const template = manifest(index, tabs && index % 5 === 0);
    const write = (text: (mapping: BenchMapping) => string) =>
      images.reduce((all, mapping, at) => all.replaceAll(`«${at}»`, text(mapping)), template);
    yield {
      name: `app-${index}.yaml`,
      text: write(({ image }) => image),
      rewritten: write(({ pinned }) => pinned),
    };
  }
}

function manifest(index: number, isTabbed: boolean): string {
  const pod = (indent: string) =>
    `spec:
  initContainers:
    - name: migrate # läuft zuerst 🐳
      image: '«1»'
  containers:
    - name: web
      image: "«0»" # renovate: the web server
      env: &env
        - {name: REGION, value: eu-west-1}
        - name: NOTE
          value: >-
            A folded text that goes on over
            several lines, with "quotes" and # no comment.
    - name: sidecar
      env: *env
      image: «2»
      args: [--listen, ":8080", '--image=«untouched»']
${filler()}`.replaceAll('\n', `\n${indent}`);
  const body =
    index % 7 === 0
      ? `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: batch/v1\n    kind: CronJob\n    metadata: {name: app-${index}}\n    spec:\n      jobTemplate:\n        spec:\n          template:\n            ${pod('            ')}`
      : `apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-${index}\n  labels: {app: app-${index}, 層: 前}\nspec:\n  replicas: 2\n  template:\n    metadata:\n      labels:\n        app: app-${index}\n    ${pod('    ')}`;
  const tabbed = isTabbed ? body.replaceAll(' # ', '\t# ') : body;
  const text = `# ${index}: generated for the bench\n${tabbed.trimEnd()}\n`.replaceAll(
    '«untouched»',
    'nginx',
  );
  return index % 3 === 0 ? text.replaceAll('\n', '\r\n') : text;
}

function filler(): string {
  const lines: string[] = ['  volumes:'];
  for (let length = 900, index = 0; length < size - 300; index++) {
    const next = [
      `    # volume ${index}`,
      `    - name: config-${index}`,
      `      configMap: {name: "config-${index}", items: [{key: a, path: a.conf}, {key: b, path: 'b.conf'}]}`,
    ];
    lines.push(...next);
    length += next.join('\n').length + 18;
  }
  return `${lines.join('\n')}\n`;
}
