import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mapping } from '../../../core/mapping/record.ts';
import { freePort } from '../../support/docker-registry.ts';
import { drayage, startDrayage } from '../../support/drayage.ts';
import { podMirrorPrefix } from '../../support/pods/mappings.ts';
import { exportText, startFakeExport } from '../../support/sync/fake-export.ts';
import { runSync, type SyncResult } from '../../support/sync/run-sync.ts';
import { type Cluster, mirrored, podsPath } from './cluster.ts';
import { loopbackCertificate, registerWebhook } from './reviews.ts';

/** A way to make a cluster use the mirror. */
export interface Way {
  name: string;
  /** Installs it with mappings, and waits until it works. */
  install(cluster: Cluster, mappings: readonly Mapping[], folder: string): Promise<AsyncDisposable>;
}

/** The policy with objects that the CronJob's script brings, under the CronJob's account. */
export const objects: Way = {
  name: 'policy, synced',
  async install(cluster, mappings) {
    const manifests = await printed(['--api', 'https://api.example', '--mirror', podMirrorPrefix]);
    cluster.apply(failing(manifests));
    const result = await syncOnce(cluster, mappings);
    if (result.code !== 0) throw new Error(result.output);
    await untilRewritten(cluster);
    return removal(cluster);
  },
};

/** The policy with the mapping in it. */
export const literals: Way = {
  name: 'policy, --literals',
  async install(cluster, mappings, folder) {
    const manifests = await printed(['--literals', '--mapping', mappingFile(folder, mappings)]);
    cluster.apply(failing(manifests));
    await untilRewritten(cluster);
    return removal(cluster);
  },
};

/** `drayage admission` on this machine. */
export const webhook: Way = {
  name: 'webhook',
  async install(cluster, mappings, folder) {
    const { key, certificate } = await loopbackCertificate();
    writeFileSync(join(folder, 'tls.key'), key, { mode: 0o600 });
    writeFileSync(join(folder, 'tls.crt'), certificate);
    const listen = `127.0.0.1:${await freePort()}`;
    const running = startDrayage([
      ...['admission', '--listen', listen, '--mapping', mappingFile(folder, mappings)],
      ...['--tls-cert', join(folder, 'tls.crt'), '--tls-key', join(folder, 'tls.key')],
    ]);
    const ended = running.ended.then(({ stderr }) =>
      Promise.reject(new Error(`drayage admission: ${stderr}`)),
    );
    ended.catch(() => {});
    await sleep(3_000);
    const url = `https://${listen}/v1/admission`;
    const unregister = await registerWebhook(cluster, { name: 'drayage', url, certificate });
    await Promise.race([untilRewritten(cluster), ended]);
    return {
      async [Symbol.asyncDispose]() {
        await unregister();
        await running.end('SIGTERM').catch(() => {});
        await untilRewritten(cluster, false);
      },
    };
  },
};

/** Runs the CronJob's script once against the API server, with what its account may do. */
export async function syncOnce(cluster: Cluster, mappings: readonly Mapping[]): Promise<SyncResult> {
  return await syncText(cluster, await exportText(mappings));
}

/** The same with any text as the export. */
export async function syncText(cluster: Cluster, text: string): Promise<SyncResult> {
  await using api = await startFakeExport();
  api.say(text);
  const token = cluster.control.kubectl(['create', 'token', '-n', 'drayage', 'drayage-sync']).trim();
  return await runSync({
    exportUrl: api.url,
    kube: cluster.control.server,
    account: { token, certificate: cluster.certificate },
    programs: 'busybox',
  });
}

/** What `drayage export admission-policy` prints. */
export async function printed(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await drayage(['export', 'admission-policy', ...args]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** As a test wants it: an expression that fails refuses the pod. */
export function failing(manifests: string): string {
  return manifests.replaceAll('failurePolicy: Ignore', 'failurePolicy: Fail');
}

/** Waits until the API server rewrites, or no longer does: it looks for policies now and then. */
export async function untilRewritten(cluster: Cluster, isWanted = true): Promise<number> {
  const began = performance.now();
  for (;;) {
    if ((await probe(cluster)).startsWith(podMirrorPrefix) === isWanted) return performance.now() - began;
    if (performance.now() - began > 120_000)
      throw new Error(`pods are ${isWanted ? 'not' : 'still'} rewritten`);
    await sleep(20);
  }
}

/** What becomes of `nginx:1.27`. */
export async function probe(cluster: Cluster): Promise<string> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe' },
    spec: { containers: [{ name: 'c', image: 'nginx:1.27' }] },
  };
  const answer = await cluster.ask('POST', `${podsPath(mirrored)}?dryRun=All`, pod);
  const { spec } = JSON.parse(answer.text) as { spec?: { containers: { image: string }[] } };
  return spec?.containers[0]?.image ?? '';
}

export function mappingFile(folder: string, mappings: readonly Mapping[]): string {
  const file = join(folder, 'mapping.json');
  writeFileSync(file, JSON.stringify({ version: 1, mappings }));
  return file;
}

/**
 * Removes the policies and the objects. The namespace and the account stay: without controllers, a
 * namespace that is removed never goes.
 */
function removal(cluster: Cluster): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      const policies = 'mutatingadmissionpolicies,mutatingadmissionpolicybindings';
      cluster.control.kubectl(['delete', policies, '--all']);
      // Only some ways install the kind.
      const kind = ['crd', 'imagemirrors.drayage.dev', '--ignore-not-found', '--output', 'name'];
      if (cluster.control.kubectl(['get', ...kind]).trim() !== '')
        cluster.control.kubectl(['delete', 'imagemirrors', '--all', '--ignore-not-found']);
      await untilRewritten(cluster, false);
    },
  };
}
