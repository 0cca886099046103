import { podMappings, podMirrorPrefix } from '../../support/pods/mappings.ts';
import type { Pod } from '../../support/pods/pod.ts';
import { type Cluster, podsPath } from './cluster.ts';
import { failing, literals, mappingFile, printed, untilRewritten } from './ways.ts';

const nginx = podMappings()[0]?.pinned ?? '';

/** Tries what the command’s options promise. @returns what is not so, for people */
export async function tryOptions(cluster: Cluster, folder: string): Promise<string[]> {
  const problems: string[] = [];
  const expect = (what: string, found: unknown, wanted: unknown) => {
    if (JSON.stringify(found) !== JSON.stringify(wanted))
      problems.push(`${what}: found ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  };
  const namespace = async (name: string, labels: Record<string, string> = {}) => {
    await cluster.get('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name, labels },
    });
  };
  const imageIn = async (name: string, image: string, labels: Record<string, string> = {}) => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', labels },
      spec: { containers: [{ name: 'c', image }] },
    };
    return (await cluster.get<Pod>('POST', `${podsPath(name)}?dryRun=All`, pod)).spec.containers[0]?.image;
  };
  await namespace('enabled', { 'drayage.dev/rewrite': 'enabled' });
  await namespace('others');
  const mappings = ['--literals', '--mapping', mappingFile(folder, podMappings())];
  const install = async (args: string[]) => cluster.apply(failing(await printed([...mappings, ...args])));

  {
    await using _ = await literals.install(cluster, podMappings(), folder);
    expect(
      'a pod with the label',
      await imageIn('others', 'nginx:1.27', { 'drayage.dev/rewrite': 'disabled' }),
      'nginx:1.27',
    );
    expect('kube-system', await imageIn('kube-system', 'nginx:1.27'), 'nginx:1.27');
    expect('another namespace', await imageIn('others', 'nginx:1.27'), nginx);

    await install(['--exclude-namespace', 'others']);
    await settled(async () => (await imageIn('others', 'nginx:1.27')) === 'nginx:1.27');
    expect('the rest', await imageIn('enabled', 'nginx:1.27'), nginx);

    await install(['--namespace', 'enabled', '--namespace', 'mirrored']);
    expect('--namespace', await imageIn('enabled', 'nginx:1.27'), nginx);
    expect('not --namespace', await imageIn('others', 'nginx:1.27'), 'nginx:1.27');

    await install(['--opt-in']);
    await settled(async () => (await imageIn('others', 'nginx:1.27')) === 'nginx:1.27');
    expect('--opt-in', await imageIn('enabled', 'nginx:1.27'), nginx);
    const disabled = { 'drayage.dev/rewrite': 'disabled' };
    expect('--opt-in, disabled pod', await imageIn('enabled', 'nginx:1.27', disabled), 'nginx:1.27');

    const cache = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/docker-hub';
    await install(['--fallback', `docker.io=${cache}`, '--fallback', 'registry.example:8443']);
    await settled(async () => (await imageIn('others', 'busybox')) !== 'busybox');
    expect('mapped', await imageIn('others', 'nginx:1.27'), nginx);
    for (const [image, becomes] of [
      ['busybox', `${cache}/library/busybox:latest`],
      ['acme/x:1', `${cache}/acme/x:1`],
      [`nginx@sha256:${'0'.repeat(64)}`, `${cache}/library/nginx@sha256:${'0'.repeat(64)}`],
      ['registry.example:8443/a:1', `${podMirrorPrefix}/registry.example_8443/a:1`],
      ['ghcr.io/a/b:1', 'ghcr.io/a/b:1'],
      ['$(IMAGE)', '$(IMAGE)'],
      ['NGINX:1.27', 'NGINX:1.27'],
      ['https://nginx', 'https://nginx'],
      // IDs of images, which parseReference refuses, too.
      ['0'.repeat(64), '0'.repeat(64)],
      [`sha256:${'0'.repeat(64)}`, `sha256:${'0'.repeat(64)}`],
      [`sha512:${'0'.repeat(128)}`, `sha512:${'0'.repeat(128)}`],
      [`library/${'0'.repeat(64)}`, `${cache}/library/${'0'.repeat(64)}:latest`],
    ] as const)
      expect(`--fallback, ${image}`, await imageIn('others', image), becomes);
    await install([]);
  }
  problems.push(...(await tryBarePods(cluster, folder)));
  return problems;
}

/** A bare pod whose manifest is applied twice, without and with `--keep`. */
async function tryBarePods(cluster: Cluster, folder: string): Promise<string[]> {
  const problems: string[] = [];
  const manifest = (name: string, image: string) =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: others}\nspec: {containers: [{name: c, image: "${image}"}]}\n`;
  const apply = async (name: string, image: string) => {
    cluster.control.kubectl(['apply', '-f', '-'], manifest(name, image));
    return (await cluster.get<Pod>('GET', podsPath('others', name))).spec.containers[0]?.image;
  };
  await using _ = await literals.install(cluster, podMappings(), folder);
  await untilRewritten(cluster);
  if ((await apply('bare', 'nginx:1.27')) !== nginx) problems.push('the bare pod was not rewritten');
  const again = await apply('bare', 'nginx:1.27');
  if (again !== 'nginx:1.27')
    problems.push(`without --keep the image should go back, as documented: ${again}`);
  cluster.apply(
    failing(await printed(['--literals', '--keep', '--mapping', mappingFile(folder, podMappings())])),
  );
  if ((await apply('kept', 'nginx:1.27')) !== nginx) problems.push('the second bare pod was not rewritten');
  let isKept = false;
  for (let attempt = 0; attempt < 20 && !isKept; attempt++) {
    // The policy is in force a moment after it was written.
    if ((await apply('kept', 'nginx:1.27')) === nginx) isKept = true;
    else {
      cluster.control.kubectl(['-n', 'others', 'delete', 'pod', 'kept', '--now']);
      await apply('kept', 'nginx:1.27');
    }
  }
  if (!isKept) problems.push('--keep does not keep');
  if ((await apply('kept', 'nginx:1.28')) !== 'nginx:1.28')
    problems.push('--keep keeps an image that was changed');
  return problems;
}

async function settled(is: () => Promise<boolean>): Promise<void> {
  for (const until = Date.now() + 30_000; Date.now() < until; ) if (await is()) return;
  throw new Error('the policy that was changed has no effect');
}
