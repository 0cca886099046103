import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parseAllDocuments, stringify } from 'yaml';
import { freePort, startDockerRegistry } from '../../support/docker-registry.ts';
import { drayage, startDrayageLocal } from '../../support/drayage.ts';
import { programImage } from '../../support/program-image.ts';
import { pushImage } from '../../support/push-image.ts';
import { startControlPlane } from './control-plane.ts';
import { eventually } from './program.ts';
import { startWorker } from './worker.ts';

/**
 * The whole way, on one machine and with the real programs: an image is pushed to the upstream, its
 * webhook makes Drayage mirror it, the CronJob of `drayage export admission-policy` syncs the
 * mapping into the cluster, and a Deployment that names the upstream runs the mirror's image. The
 * upstream's name exists nowhere, so a node could not pull from it.
 *
 *     node test/consumers/cluster/whole-way.ts --bin FOLDER [--output FILE]
 *
 * Needs root, runc, busybox-static, curl, docker-registry, kubectl, and the programs of
 * build-programs.sh.
 */
const { values } = parseArgs({
  options: {
    bin: { type: 'string' },
    output: {
      type: 'string',
      default: `bench/results/${new Date().toISOString().slice(0, 10)}-whole-way.md`,
    },
    keep: { type: 'boolean', default: false },
  },
});
if (values.bin === undefined) throw new Error('--bin FOLDER: the programs that build-programs.sh made');
const bin = resolve(values.bin);
const folder = mkdtempSync(join(tmpdir(), 'drayage-whole-way-'));

const story: string[] = [];
let began = performance.now();
function tell(event: string): void {
  const line = `${((performance.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${event}`;
  story.push(line);
  process.stdout.write(`${line}\n`);
}

await using running = new AsyncDisposableStack();
if (!values.keep) running.defer(() => rmSync(folder, { recursive: true, force: true }));

// What there is before the story begins: an empty cluster, an empty mirror, an empty upstream.
const upstreamPort = await freePort();
const mirrorYaml = join(folder, 'mirror.yaml');
writeFileSync(
  mirrorYaml,
  stringify({
    version: 1,
    mirror: { regions: ['eu-west-1'] },
    upstreams: [
      {
        registry: 'registry.upstream.example',
        endpoint: `http://127.0.0.1:${upstreamPort}`,
        webhook: { source: 'distribution' },
        repositories: [{ match: '**' }],
      },
    ],
  }),
);
const local = running.use(await startDrayageLocal(['--config', mirrorYaml]));
const { url = '', secret = '' } = local.ready.webhooks.distribution ?? {};
const upstream = running.use(
  await startDockerRegistry({ port: upstreamPort, notify: { url, authorization: secret } }),
);
const control = await startControlPlane({ bin, folder: subfolder('control-plane') });
running.defer(() => control.stop());
const worker = await startWorker({
  bin,
  folder: subfolder('worker'),
  name: 'n1',
  kubeconfig: control.kubeconfig,
});
running.defer(() => worker.stop());
const { kubectl } = control;
await eventually('the node is ready', async () =>
  kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}']) ===
  'True'
    ? true
    : undefined,
);

function subfolder(name: string): string {
  mkdirSync(join(folder, name));
  return join(folder, name);
}

/** Everything is on this machine's network: there is no plugin for pods' own. */
const hostNetwork = { hostNetwork: true, dnsPolicy: 'Default' };
const image = 'registry.upstream.example/team/app:1.0';

// The cluster's side, as `drayage export` prints it, changed only where this machine has no DNS and
// no pod network, and its API server another address.
const syncImage = 'registry.upstream.example/tools/curl:8';
await pushImage(
  upstream.endpoint,
  'tools/curl',
  '8',
  await programImage({
    programs: { '/bin/busybox': '/usr/bin/busybox', '/usr/bin/curl': '/usr/bin/curl' },
    links: Object.fromEntries(
      [
        'sh',
        'cat',
        'rm',
        'mv',
        'sed',
        'awk',
        'grep',
        'tail',
        'head',
        'wc',
        'ls',
        'test',
        'mkdir',
        'cut',
        'tr',
        'printf',
        'expr',
        'seq',
        'split',
        'sleep',
      ].map((name) => [`/bin/${name}`, 'busybox']),
    ),
    env: ['PATH=/bin:/usr/bin'],
  }),
);
const curl = await mapped(syncImage);
const exported = await drayage([
  'export',
  'admission-policy',
  '--api',
  local.ready.api,
  '--mirror',
  `${local.ready.registry}/mirror`,
  '--sync-image',
  curl,
]);
if (exported.code !== 0) throw new Error(exported.stderr);
const objects = parseAllDocuments(exported.stdout)
  .map((document) => document.toJS() as Manifest)
  .filter(Boolean);
for (const object of objects) {
  if (object.kind !== 'CronJob') continue;
  const pod = object.spec.jobTemplate.spec.template.spec;
  Object.assign(pod, hostNetwork);
  for (const variable of pod.containers[0].env) if (variable.name === 'KUBE') variable.value = control.server;
}
apply(objects);
kubectl(['-n', 'drayage', 'create', 'secret', 'generic', 'drayage', '--from-literal=token=none-is-needed']);

began = performance.now();
const app = await programImage({
  programs: { '/bin/busybox': '/usr/bin/busybox' },
  texts: { '/etc/motd': 'carried by the mirror' },
  entrypoint: [
    '/bin/busybox',
    'sh',
    '-c',
    'cat=$(/bin/busybox cat /etc/motd); echo "$cat"; exec /bin/busybox sleep 3600',
  ],
});
await pushImage(upstream.endpoint, 'team/app', '1.0', app);
tell(`${image} is pushed to the upstream, which calls the webhook`);
const pinned = await mapped(image);
tell(`it is mirrored and mapped to ${pinned}`);
await eventually('the snapshot has it', async () => {
  const answer = await fetch(`${local.ready.api}/v1/exports/imagemirror`);
  return (await answer.text()).includes('team/app') ? true : undefined;
});
tell('it is in the snapshot, which drayage local builds each second, and a deployment each minute');
kubectl(['-n', 'drayage', 'create', 'job', 'sync', '--from=cronjob/drayage-sync']);
await eventually('the sync job is complete', async () =>
  kubectl(['-n', 'drayage', 'get', 'job', 'sync', '-o', 'jsonpath={.status.succeeded}']) === '1'
    ? true
    : undefined,
);
tell('a job of the CronJob drayage-sync has written the ImageMirror into the cluster');
const readsBefore = upstreamReads();
apply([deployment()]);
tell(`kubectl apply of a Deployment that names ${image}`);
const pod = await eventually('the pod runs', async () => {
  const list = JSON.parse(kubectl(['get', 'pods', '-l', 'app=app', '-o', 'json'])) as { items: Manifest[] };
  return list.items.find(({ status }) => status?.containerStatuses?.[0]?.state?.running);
});
tell(`its pod runs, with the image ${pod.spec.containers[0].image}`);

// What must hold.
check('the Deployment still names the upstream', deployedImage() === image);
check('the pod names the mirror by digest', pod.spec.containers[0].image === pinned);
check(
  'its annotation has the original',
  pod.metadata.annotations?.['original-image.drayage.dev/app'] === image,
);
check('containerd has the mirror’s image', worker.ctr('images', 'list', '-q').includes(pinned));
check('the image’s program has run', readLogs(pod).includes('carried by the mirror'));
check('the upstream was not asked again', upstreamReads() === readsBefore);
check('only Drayage has ever read from the upstream', onlyDrayageReads());
await writeResult();

type Manifest = { kind: string; metadata: { name: string; annotations?: Record<string, string> } } & Record<
  'spec' | 'status',
  // biome-ignore lint/suspicious/noExplicitAny: objects of a dozen kinds, read in one place each
  any
>;

function apply(objects: object[]): void {
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(list));
}

function deployment() {
  const labels = { app: 'app' };
  const container = { name: 'app', image };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'app', namespace: 'default' },
    spec: {
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { ...hostNetwork, enableServiceLinks: false, containers: [container] },
      },
    },
  };
}

function deployedImage(): string {
  return kubectl(['get', 'deployment', 'app', '-o', 'jsonpath={.spec.template.spec.containers[0].image}']);
}

/** The mirror reference by digest, as soon as the image is mapped. */
async function mapped(name: string): Promise<string> {
  return await eventually(`${name} is mapped`, async () => {
    const answer = await fetch(`${local.ready.api}/v1/mappings?image=${encodeURIComponent(name)}`);
    return answer.ok ? ((await answer.json()) as { pinned: string }).pinned : undefined;
  });
}

function reads(): string[] {
  return upstream.accessLog().filter((line) => /"(GET|HEAD) \/v2\/.+\/(manifests|blobs)\//.test(line));
}

function upstreamReads(): number {
  return reads().length;
}

/** The test itself has asked which blobs are there before it pushed them. */
function onlyDrayageReads(): boolean {
  return reads().every((line) => line.includes('"drayage/') || /"HEAD .*"node"/.test(line));
}

function readLogs({ metadata }: Manifest): string {
  const place = join(folder, 'worker', 'pod-logs');
  return execFileSync('sh', ['-c', `cat ${place}/default_${metadata.name}_*/app/*.log`], {
    encoding: 'utf8',
  });
}

function check(what: string, holds: boolean): void {
  tell(`${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) process.exitCode = 1;
}

async function writeResult(): Promise<void> {
  const version = kubectl(['get', 'nodes', '-o', 'jsonpath={.items[0].status.nodeInfo}']);
  const { kubeletVersion, containerRuntimeVersion } = JSON.parse(version) as Record<string, string>;
  const text = `# The whole way, from a push to a running pod

${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores, everything on one machine: docker-registry as the upstream, \`drayage local\`, etcd,
kube-apiserver, kube-scheduler, kube-controller-manager and kubelet ${kubeletVersion}, ${containerRuntimeVersion}.
The upstream's name, \`registry.upstream.example\`, does not exist: a node that ignored the mapping could not pull.
The manifests are what \`drayage export admission-policy\` prints; only the pods' network and the API server's address are changed.

\`\`\`
${story.join('\n')}
\`\`\`

\`node test/consumers/cluster/whole-way.ts --bin FOLDER\`
`;
  writeFileSync(resolve(values.output), text);
}
