import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { drayage } from '../support/drayage.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { reviewOf } from '../unit/admission/reviews.ts';

interface Printed {
  kind: string;
  webhooks: {
    clientConfig: { url: string; caBundle?: string };
    sideEffects: string;
    timeoutSeconds: number;
  }[];
}

const objectsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Printed);

describe('drayage export admission-webhook', () => {
  let pipeline: Pipeline;
  let folder: string;
  let ca: string;
  beforeAll(async () => {
    pipeline = await startPipeline({ auth: true, mirrorInstances: 0, layerInstances: 0 });
    folder = mkdtempSync(join(tmpdir(), 'drayage-export-'));
    ca = join(folder, 'ca.crt');
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'drayage test' }]);
    writeFileSync(ca, cert);
    writeFileSync(join(folder, 'tls.key'), key);
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (args: string[], who: 'operator' | 'reader' = 'operator') => {
    const env = {
      ...process.env,
      DRAYAGE_API: pipeline.api,
      DRAYAGE_TOKEN: pipeline.stack.ready.tokens?.[who] ?? '',
    };
    return drayage(['export', ...args], { env });
  };
  const webhook = (...args: string[]) => run(['admission-webhook', ...args]);
  const remote = ['--reached-at', 'https://tunnel.example/'];

  it('prints the address that the API tells the operator', async () => {
    const { code, stdout, stderr } = await webhook(
      ...remote,
      '--missing',
      'enqueue',
      '--tags',
      '--timeout',
      '3s',
    );
    expect([code, stderr]).toEqual([0, '']);
    const [object] = objectsOf(stdout);
    expect(object?.webhooks).toMatchObject([{ sideEffects: 'NoneOnDryRun', timeoutSeconds: 3 }]);
    const { url } = object?.webhooks[0]?.clientConfig ?? { url: '' };
    expect(url).toMatch(/^https:\/\/tunnel\.example\/v1\/admission\/[\w-]{43}\/enqueue-tags$/);
    // It is one that the API answers.
    const answer = await pipeline.post(new URL(url).pathname, reviewOf({}));
    expect(answer.status).toBe(200);
  });

  it('needs the operator’s token, and https', async () => {
    expect(await run(['admission-webhook', ...remote], 'reader')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('only to the operator'),
    });
    const plain = await webhook();
    expect(plain).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('only by https') });
    // The message has the address without its secret.
    expect(plain.stderr).not.toMatch(/[\w-]{43}/);
  });

  it('prints a server in the cluster, without a request', async () => {
    const file = join(folder, 'webhook.yaml');
    const { code, stderr } = await drayage([
      ...['export', 'admission-webhook', '--in-cluster', '--api', 'https://api.example', '--token', 'secret'],
      ...['--image', 'registry.example/drayage:1', '--ca-bundle', ca, '-o', file],
    ]);
    expect([code, stderr]).toEqual([0, '']);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain('secret\n');
    const objects = objectsOf(text);
    expect(objects.map(({ kind }) => kind)).toEqual([
      'Namespace',
      'ServiceAccount',
      'Service',
      'Deployment',
      'PodDisruptionBudget',
      'MutatingWebhookConfiguration',
    ]);
    const { caBundle = '' } = objects.at(-1)?.webhooks[0]?.clientConfig ?? {};
    expect(Buffer.from(caBundle, 'base64').toString().trim()).toBe(
      readFileSync(ca, 'utf8').replaceAll('\r', '').trim(),
    );
  });

  it.each([
    [['--in-cluster'], 2, 'needs the image of this command'],
    [['--in-cluster', '--image', 'a'], 2, 'needs either --cert-manager'],
    [
      ['--in-cluster', '--image', 'a', '--cert-manager', '--ca-bundle', 'CA'],
      2,
      'needs either --cert-manager',
    ],
    [['--in-cluster', '--image', 'a', '--cert-manager', 'x'], 2, 'is not an issuer'],
    [['--in-cluster', '--image', 'a', '--cert-manager', ...remote], 2, 'is not for --in-cluster'],
    [['--in-cluster', '--image', 'a', '--ca-bundle', '/none'], 1, 'can’t be read'],
    [['--in-cluster', '--image', 'a', '--ca-bundle', 'KEY'], 1, 'does not hold PEM certificates only'],
    [['--image', 'a'], 2, '--image is only for --in-cluster'],
    [['--cert-manager'], 2, '--cert-manager is only for --in-cluster'],
    [['--timeout', '31s'], 2, 'waits for 30s at most'],
    [['--namespace', 'No'], 2, 'is not a namespace'],
    [['--reached-at', 'ftp://x'], 2, 'takes an address'],
  ])('%j is an error', async (args, code, message) => {
    const files: Record<string, string> = { CA: ca, KEY: join(folder, 'tls.key') };
    expect(await webhook(...args.map((each) => files[each] ?? each))).toMatchObject({
      code,
      stdout: '',
      stderr: expect.stringContaining(message),
    });
  });

  it('prints manifests for Gatekeeper', async () => {
    const { code, stdout } = await run(['gatekeeper', '--ca-bundle', ca, '--exclude-namespace', 'x']);
    expect(code).toBe(0);
    expect(objectsOf(stdout).map(({ kind }) => kind)).toEqual([
      'Provider',
      'Assign',
      'Assign',
      'Assign',
      'Assign',
    ]);
    expect(await run(['gatekeeper'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--ca-bundle'),
    });
  });
});
