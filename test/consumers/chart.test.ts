import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { generate } from 'selfsigned';
import { beforeEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { drayageVersion } from '../../core/registry/transport/version.ts';
import { drayage } from '../support/drayage.ts';
import { type Helm, helmMajors, openHelm } from '../support/helm.ts';

const chart = resolve(import.meta.dirname, '../../charts/drayage');
const values = readdirSync(join(chart, 'ci'));

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  // biome-ignore lint/suspicious/noExplicitAny: the rest depends on the kind
  [field: string]: any;
}

/** What the chart makes of values, in the namespace that the exports have. */
async function render(helm: Helm, file: string, ...args: string[]): Promise<KubernetesObject[]> {
  const release = ['template', 'drayage', chart, '--namespace', 'drayage', '--kube-version', '1.36'];
  const text = await helm([...release, '--values', join(chart, 'ci', file), ...args]);
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS() ?? [];
  });
}

const find = (objects: KubernetesObject[], kind: string, name = 'drayage-admission') =>
  objects.find((object) => object.kind === kind && object.metadata.name === name);

/** The registry and the prefix in the chart's example values. */
const registry = '111122223333.dkr.ecr.eu-west-1.amazonaws.com';
const mirror = `${registry}/mirror`;
const inCluster = ['admission-webhook', '--in-cluster', '--api', 'https://drayage.example.com'];
const policyFlags = ['--api', 'https://drayage.example.com', '--mirror', mirror];

/**
 * Expects everything that `drayage export` prints among the objects, except for the namespace,
 * which Helm makes.
 */
async function expectExported(rendered: KubernetesObject[], args: string[], atLeast: number): Promise<void> {
  const { code, stdout, stderr } = await drayage(['export', ...args]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const printed = parseAllDocuments(stdout).map((document): KubernetesObject => document.toJS());
  expect(printed.length).toBeGreaterThanOrEqual(atLeast);
  for (const object of printed.filter(({ kind }) => kind !== 'Namespace'))
    expect(find(rendered, object.kind, object.metadata.name)).toEqual(object);
}

describe.each(helmMajors)('the chart with Helm %i', (major) => {
  const helm = openHelm(major);

  it.each(values)('passes lint with %s', async (file) => {
    const output = await helm(['lint', '--strict', chart, '--values', join(chart, 'ci', file)]);
    expect(output).toContain('1 chart(s) linted, 0 chart(s) failed');
  });

  it('renders the objects of each mode, each once', async () => {
    const names = async (file: string, ...args: string[]) => {
      const objects = await render(helm, file, ...args);
      for (const { apiVersion } of objects) expect(apiVersion).toMatch(/^([a-z0-9.-]+\/)?v1$/);
      return objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
    };
    const policy = [
      'ClusterRole drayage-sync',
      'ClusterRoleBinding drayage-sync',
      'CronJob drayage-sync',
      'CustomResourceDefinition imagemirrors.drayage.dev',
      'MutatingAdmissionPolicy drayage',
      'MutatingAdmissionPolicyBinding drayage',
      'ServiceAccount drayage-sync',
    ];
    const webhook = [
      'Deployment drayage-admission',
      'MutatingWebhookConfiguration drayage',
      'PodDisruptionBudget drayage-admission',
      'Service drayage-admission',
      'ServiceAccount drayage-admission',
    ];
    expect(await names('policy-values.yaml')).toEqual(policy);
    const generated = 'Secret drayage-admission-tls';
    expect(await names('webhook-values.yaml')).toEqual([...webhook, generated].sort());
    const more = [
      'Certificate drayage-admission',
      'MutatingAdmissionPolicy drayage-keep',
      'MutatingAdmissionPolicyBinding drayage-keep',
      'NetworkPolicy drayage-admission',
      'NetworkPolicy drayage-sync',
      'Secret drayage',
    ];
    expect(await names('both-values.yaml')).toEqual([...policy, ...webhook, ...more].sort());
  });

  it('makes a certificate for the Service, and names its authority in the webhook', async () => {
    const objects = await render(helm, 'webhook-values.yaml');
    const data: Record<string, string> = find(objects, 'Secret', 'drayage-admission-tls')?.data;
    const decoded = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
    const certificate = new X509Certificate(decoded('tls.crt'));
    const authority = new X509Certificate(decoded('ca.crt'));
    expect(certificate.checkHost('drayage-admission.drayage.svc')).toBeDefined();
    expect(certificate.verify(authority.publicKey)).toBe(true);
    const [hook] = find(objects, 'MutatingWebhookConfiguration', 'drayage')?.webhooks ?? [];
    expect(hook.clientConfig.caBundle).toBe(data['ca.crt']);
  });

  it('takes a certificate of cert-manager or an existing one', async () => {
    const managed = await render(helm, 'webhook-values.yaml', '--set', 'webhook.tls.source=cert-manager');
    const configuration = find(managed, 'MutatingWebhookConfiguration', 'drayage');
    expect(configuration?.metadata).toHaveProperty('annotations', {
      'cert-manager.io/inject-ca-from': 'drayage/drayage-admission',
    });
    expect(find(managed, 'Certificate')?.spec.issuerRef).toEqual(
      expect.objectContaining({ kind: 'Issuer', name: find(managed, 'Issuer')?.metadata.name }),
    );
    const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const file = join(folder, 'ca.crt');
    writeFileSync(file, pem);
    const existing = await render(
      helm,
      'webhook-values.yaml',
      ...['--set', 'webhook.tls.source=existing-secret,webhook.tls.secretName=mine'],
      ...['--set-file', `webhook.tls.caBundle=${file}`],
    );
    expect(existing.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const [hook] = find(existing, 'MutatingWebhookConfiguration', 'drayage')?.webhooks ?? [];
    expect(Buffer.from(hook.clientConfig.caBundle, 'base64').toString('utf8')).toBe(pem);
    const { volumes } = find(existing, 'Deployment')?.spec.template.spec ?? {};
    expect(volumes).toContainEqual({ name: 'tls', secret: { secretName: 'mine' } });
  });

  it.each([
    ['policy-values.yaml', policyFlags],
    [
      'both-values.yaml',
      [
        ...['--api', 'https://drayage.example.com/prod', '--mirror', mirror, '--region', 'eu-west-1'],
        ...['--exclude-namespace', 'istio-system', '--namespace', 'shop', '--namespace', '1234', '--opt-in'],
        ...['--keep', '--schedule', '* * * * *', '--sync-image', 'registry.example.com/curl:8'],
        ...['--fallback', `docker.io=${registry}/docker-hub`, '--fallback', `quay.io=${registry}/quay`],
      ],
    ],
  ])('has the policy that drayage export prints: %s', async (file, flags) => {
    const settings = ['nodeSelector', 'tolerations', 'imagePullSecrets', 'resources'];
    const none = settings.flatMap((name) => ['--set', `policy.sync.${name}=null`]);
    const rendered = await render(helm, file, ...none);
    await expectExported(rendered, ['admission-policy', ...flags], 8);
  });

  /** The values that the export has no options for, as it prints them. */
  const plainPods = [
    ...['failurePolicy=Ignore', 'image.pullPolicy=IfNotPresent', 'priorityClassName='],
    ...['imagePullSecrets', 'nodeSelector', 'tolerations', 'affinity', 'podAnnotations', 'env'].map(
      (name) => `${name}=null`,
    ),
  ].flatMap((value) => ['--set', `webhook.${value}`]);

  it('has the webhook that drayage export prints: its values, with cert-manager', async () => {
    const source = ['--set', 'webhook.tls.source=cert-manager'];
    const flags = ['--image', `registry.example.com/drayage:${drayageVersion}`, '--cert-manager'];
    const rendered = await render(helm, 'webhook-values.yaml', ...source);
    await expectExported(rendered, [...inCluster, ...flags], 8);
  });

  it('has the webhook that drayage export prints: with every option', async () => {
    const image = `registry.example.com/drayage:1.0@sha256:${'0'.repeat(64)}`;
    const flags = [
      ...['--image', image, '--replicas', '3', '--missing', 'warn', '--tags', '--refresh', '1m'],
      ...['--timeout', '5s', '--region', 'eu-west-1', '--cert-manager', 'ClusterIssuer/internal'],
      ...['--exclude-namespace', 'istio-system', '--namespace', 'shop', '--namespace', '1234', '--opt-in'],
    ];
    const rendered = await render(helm, 'both-values.yaml', ...plainPods);
    await expectExported(rendered, [...inCluster, '--api', 'https://drayage.example.com/prod', ...flags], 7);
  });

  it('has the webhook that drayage export prints: with a certificate and one server', async () => {
    const { cert } = await generate([{ name: 'commonName', value: 'an authority' }]);
    const file = join(folder, 'ca.crt');
    writeFileSync(file, `${cert.trim()}\n`);
    const flags = ['--image', 'registry.example.com/drayage:2', '--replicas', '1', '--missing', 'enqueue'];
    const rendered = await render(
      helm,
      'webhook-values.yaml',
      ...['--set', 'webhook.tls.source=existing-secret,webhook.replicas=1,webhook.missing=enqueue'],
      ...['--set-string', 'webhook.image.tag=2', '--set-file', `webhook.tls.caBundle=${file}`],
    );
    await expectExported(rendered, [...inCluster, ...flags, '--ca-bundle', file], 5);
    expect(find(rendered, 'PodDisruptionBudget')).toBeUndefined();
  });

  it('keeps to the namespace of the release', async () => {
    const objects = await render(helm, 'both-values.yaml', '--namespace', 'elsewhere');
    expect(JSON.stringify(objects)).not.toMatch(/"namespace":"drayage"|\.drayage\.svc/);
  });

  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-chart-'));
    return () => rmSync(folder, { recursive: true, force: true });
  });

  it.each([
    ['policy', 'mode=policies', /mode/],
    ['policy', 'api=', /api/],
    ['policy', 'api=drayage.example.com', /api/],
    ['policy', 'api=https://drayage.example.com/', /api/],
    ['policy', 'policy.mirror=', /mirror/],
    ['policy', "policy.mirror=a.example/x'y", /mirror/],
    ['policy', "policy.fallback.docker\\.io=a.example/x'y", /fallback/],
    ['policy', "policy.fallback.do'cker=a.example/x", /fallback/],
    ['policy', 'policy.sync.schedule=often', /schedule/],
    ['policy', 'rewrite.namespaces={Shop}', /namespaces/],
    ['policy', 'rewrite.optin=true', /optin/],
    ['policy', 'token.existingSecret=', /existingSecret/],
    ['policy', 'unknown=1', /unknown/],
    ['webhook', 'webhook.image.repository=', /repository/],
    ['webhook', 'webhook.image.digest=sha256:12', /digest/],
    ['webhook', 'webhook.missing=ignore', /missing/],
    ['webhook', 'webhook.refresh=30', /refresh/],
    ['webhook', 'webhook.timeoutSeconds=31', /timeoutSeconds/],
    ['webhook', 'webhook.replicas=0', /replicas/],
    ['webhook', 'webhook.tls.source=existing-secret', /caBundle/],
    ['webhook', 'webhook.tls.source=none', /source/],
    ['webhook', 'networkPolicy.apiCidrs={example.com}', /apiCidrs/],
  ])('refuses in mode %s: %s', async (mode, set, message) => {
    await expect(render(helm, `${mode}-values.yaml`, '--set', set)).rejects.toThrow(message);
  });

  it('says which Kubernetes the policy needs', async () => {
    await expect(render(helm, 'policy-values.yaml', '--kube-version', '1.35.4')).rejects.toThrow(
      'mode policy needs Kubernetes 1.36 or later, and this is v1.35.4: use mode webhook',
    );
    expect(await render(helm, 'webhook-values.yaml', '--kube-version', '1.29.0')).not.toEqual([]);
  });
});
