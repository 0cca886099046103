import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { helmMajors, openHelm } from '../../support/helm.ts';
import { startControlPlane } from './control-plane.ts';
import { eventually } from './program.ts';

/**
 * The chart in a real cluster, with Helm 3 and 4: what it installs rewrites a pod, an upgrade keeps
 * the webhook's certificate, and nothing is left when it is removed.
 *
 *     node test/consumers/cluster/helm-chart.ts --bin FOLDER
 *
 * Needs kubectl, the programs of build-programs.sh, DRAYAGE_HELM3 and DRAYAGE_HELM4.
 */
const { values } = parseArgs({ options: { bin: { type: 'string' } } });
if (values.bin === undefined) throw new Error('--bin FOLDER: the programs that build-programs.sh made');
const chart = resolve(import.meta.dirname, '../../../charts/drayage');
const mirror = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror';
const digest = `sha256:${'4f'.repeat(32)}`;
const folder = mkdtempSync(join(tmpdir(), 'drayage-helm-chart-'));
mkdirSync(join(folder, 'cluster'));

await using running = new AsyncDisposableStack();
running.defer(() => rmSync(folder, { recursive: true, force: true }));
const control = await startControlPlane({
  bin: resolve(values.bin),
  folder: join(folder, 'cluster'),
  controllers: false,
});
running.defer(() => control.stop());
const { kubectl } = control;

const settings = [
  ...['mode=both', 'api=https://drayage.example.com', `policy.mirror=${mirror}`, 'token.value=a-token'],
  'webhook.image.repository=registry.example.com/drayage',
].flatMap((value) => ['--set', value]);
const ours = [
  'clusterrole',
  'clusterrolebinding',
  'crd',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
];

for (const major of helmMajors) {
  const helm = openHelm(major);
  const release = (command: string, ...args: string[]) =>
    helm([command, 'drayage', ...args, '--namespace', 'drayage', '--kubeconfig', control.kubeconfig]);
  const authority = () =>
    kubectl([
      'get',
      'mutatingwebhookconfiguration',
      'drayage',
      '-o',
      'jsonpath={.webhooks[0].clientConfig.caBundle}',
    ]);
  const secret = () =>
    kubectl(['-n', 'drayage', 'get', 'secret', 'drayage-admission-tls', '-o', 'jsonpath={.data}']);

  const notes = await release('install', chart, '--create-namespace', ...settings);
  assert.match(notes, /kubectl -n drayage create job first-sync --from=cronjob\/drayage-sync/);
  tell(major, 'installed');

  const before = [authority(), secret()];
  assert.notEqual(before[0], '');
  await release('upgrade', chart, ...settings, '--set', 'webhook.replicas=3');
  assert.deepEqual([authority(), secret()], before);
  assert.equal(
    kubectl(['-n', 'drayage', 'get', 'deployment', 'drayage-admission', '-o', 'jsonpath={.spec.replicas}']),
    '3',
  );
  tell(major, 'an upgrade keeps the certificate');

  // What the CronJob would bring.
  const spec = {
    repositories: { 'docker.io/library/nginx': `${mirror}/docker.io/library/nginx,1.27=${digest},` },
  };
  const object = { apiVersion: 'drayage.dev/v1', kind: 'ImageMirror', metadata: { name: 'main' }, spec };
  kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(object));
  const image = await eventually('the policy rewrites', async () => {
    const run = [
      'run',
      'web',
      '--image=nginx:1.27',
      '--dry-run=server',
      '-o',
      'jsonpath={.spec.containers[0].image}',
    ];
    const seen = kubectl(run);
    return seen === 'nginx:1.27' ? undefined : seen;
  });
  assert.equal(image, `${mirror}/docker.io/library/nginx@${digest}`);
  tell(major, `a pod of nginx:1.27 gets ${image}`);

  await release('uninstall');
  assert.equal(
    kubectl(['-n', 'drayage', 'get', 'deployments,services,secrets,cronjobs,serviceaccounts', '-o', 'name']),
    '',
  );
  const left = kubectl(['get', `${ours.join(',')},mutatingwebhookconfigurations`, '-o', 'name']);
  assert.doesNotMatch(left, /drayage/);
  tell(major, 'nothing is left');
}

function tell(major: number, what: string): void {
  process.stdout.write(`Helm ${major}: ${what}\n`);
}
