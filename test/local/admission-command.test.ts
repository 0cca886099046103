import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { AdmissionAnswer } from '../../core/admission/review.ts';
import { overTls, type RunningAdmission, startAdmission, startFakeApi } from '../support/admission-server.ts';
import { drayage } from '../support/drayage.ts';
import { podCases } from '../support/pods/cases.ts';
import { podMappings, podMirrorPrefix } from '../support/pods/mappings.ts';
import { debugReviewOf, patched, patchOf, reviewOf } from '../unit/admission/reviews.ts';

const folder = mkdtempSync(join(tmpdir(), 'drayage-admission-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const token = 'reader-token-that-nobody-shows';
const nginx = {
  metadata: { name: 'web' },
  spec: { containers: [{ name: 'web', image: 'nginx:1.27' }] },
};
const unmapped = { ...nginx, spec: { containers: [{ name: 'web', image: 'ghcr.io/acme/none:1' }] } };
const withToken = (api: string) => ({ ...process.env, DRAYAGE_API: api, DRAYAGE_TOKEN: token });
let files = 0;

function newFile(text: string): string {
  const file = join(folder, `file-${files++}`);
  writeFileSync(file, text);
  return file;
}

const mappingFile = () => newFile(JSON.stringify({ version: 1, mappings: podMappings() }));

async function post(url: string, body: unknown): Promise<AdmissionAnswer> {
  const answer = await fetch(`${url}/v1/admission?timeout=2s`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as AdmissionAnswer;
}

const ready = ({ url }: RunningAdmission) =>
  vi.waitFor(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200), { timeout: 20_000 });

/** A certificate for this address, signed by itself. */
async function newCertificate() {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'drayage test' }], {
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  return { key, cert };
}

describe('drayage admission', () => {
  it('rewrites the table of pods from a file', async () => {
    const server = await startAdmission(['--mapping', mappingFile()]);
    await ready(server);
    for (const { pod, expected, debugged } of podCases()) {
      const after = patched(pod, await post(server.url, reviewOf({ object: pod })));
      expect(after.spec).toEqual(expected.spec);
      if (!debugged) continue;
      const added = await post(server.url, debugReviewOf(debugged.pod, expected));
      expect(patched(debugged.pod, added)).toEqual(debugged.expected);
    }
  });

  it('serves TLS, and takes a new certificate when the files change', async () => {
    const [first, second] = [await newCertificate(), await newCertificate()];
    const [certFile, keyFile] = [newFile(first.cert), newFile(first.key)];
    const server = await startAdmission([
      '--mapping',
      mappingFile(),
      '--tls-cert',
      certFile,
      '--tls-key',
      keyFile,
    ]);
    expect(server.url).toMatch(/^https:/);
    const ask = (ca: string) =>
      overTls(`${server.url}/v1/admission`, {
        ca,
        method: 'POST',
        body: JSON.stringify(reviewOf({ object: nginx })),
      });
    const before = await ask(first.cert);
    expect(before.status).toBe(200);
    // A pair that does not fit changes nothing.
    writeFileSync(certFile, second.cert);
    await vi.waitFor(() => expect(server.log()).toContain('the one before stays in use'), {
      timeout: 10_000,
    });
    expect((await ask(first.cert)).certificate).toBe(before.certificate);
    writeFileSync(keyFile, second.key);
    await vi.waitFor(async () => expect((await ask(second.cert)).status).toBe(200), { timeout: 10_000 });
    await expect(ask(first.cert)).rejects.toThrow();
    expect(server.log()).not.toContain('PRIVATE KEY');
  });

  it('fetches the mapping by its tag, and goes on when the API is away', async () => {
    const api = await startFakeApi([], token);
    const data = join(folder, 'data');
    const args = ['--refresh', '1s', '--data', data];
    const server = await startAdmission(args, withToken(api.url));
    await ready(server);
    expect((await post(server.url, reviewOf({ object: nginx }))).response.patch).toBeUndefined();
    await vi.waitFor(() => expect(api.asked).toContain('W/"0"'), { timeout: 10_000 });
    api.mappings = podMappings();
    const rewritten = async (url: string) =>
      expect(patchOf(await post(url, reviewOf({ object: nginx })))[0]?.value).toContain(podMirrorPrefix);
    await vi.waitFor(() => rewritten(server.url), { timeout: 10_000 });
    api.isDown = true;
    await vi.waitFor(() => expect(server.log()).toContain('could not be fetched'), { timeout: 10_000 });
    await rewritten(server.url);
    expect(await server.end('SIGKILL')).toBeNull();

    // Started without the API: from what was kept, beside a draft that a crash has left.
    writeFileSync(join(data, 'mapping.export.draft'), 'half');
    const again = await startAdmission(args, withToken(api.url));
    await ready(again);
    await rewritten(again.url);
    api.isDown = false;
    api.asked.length = 0;
    // It has kept the tag, too.
    await vi.waitFor(() => expect(api.asked).toContain(`W/"${podMappings().length}"`), { timeout: 10_000 });
    expect(api.asked).not.toContain(undefined);
    for (const each of [server, again]) expect(each.log()).not.toContain(token);
    expect(
      readdirSync(data)
        .map((name) => readFileSync(join(data, name), 'utf8'))
        .join(''),
    ).not.toContain(token);
  });

  it('is not ready without a mapping, and lets Pods pass', async () => {
    const api = await startFakeApi(podMappings(), token);
    api.isDown = true;
    const data = join(folder, 'damaged');
    mkdirSync(data);
    writeFileSync(join(data, 'mapping.export'), '{"source":1}\nnonsense');
    const server = await startAdmission(['--missing', 'deny', '--data', data], withToken(api.url));
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const answer = await fetch(`${server.url}/readyz`);
    expect([answer.status, await answer.json()]).toEqual([503, { status: 'there is no mapping yet' }]);
    expect((await post(server.url, reviewOf({ object: unmapped }))).response).toMatchObject({
      allowed: true,
      warnings: [expect.stringContaining('could not be asked')],
    });
    api.isDown = false;
    await ready(server);
    expect((await post(server.url, reviewOf({ object: unmapped }))).response.allowed).toBe(false);
  });

  it('asks for what is not mirrored, once', async () => {
    const api = await startFakeApi(podMappings(), token);
    const server = await startAdmission(['--missing', 'enqueue'], withToken(api.url));
    await ready(server);
    await post(server.url, reviewOf({ object: unmapped, dryRun: true }));
    for (let round = 0; round < 3; round++) {
      const { response } = await post(server.url, reviewOf({ object: unmapped }));
      expect(response.warnings?.[0]).toContain('it was asked for');
    }
    await vi.waitFor(() => expect(server.log()).toContain('images were asked for'), { timeout: 10_000 });
    expect(api.mirrored).toEqual([['ghcr.io/acme/none:1']]);
  });

  it('answers Gatekeeper', async () => {
    const server = await startAdmission(['--mapping', mappingFile(), '--tags']);
    await ready(server);
    const answer = await fetch(`${server.url}/v1/gatekeeper`, {
      method: 'POST',
      body: JSON.stringify({
        apiVersion: 'externaldata.gatekeeper.sh/v1beta1',
        kind: 'ProviderRequest',
        request: { keys: ['nginx:1.27', 'busybox'] },
      }),
    });
    expect(await answer.json()).toMatchObject({
      kind: 'ProviderResponse',
      response: {
        idempotent: true,
        items: [
          { key: 'nginx:1.27', value: `${podMirrorPrefix}/docker.io/library/nginx:1.27` },
          { key: 'busybox', value: 'busybox' },
        ],
      },
    });
  });

  it('takes a new file, and stays with the one before if the new one is damaged', async () => {
    const file = newFile('{"version":1,"mappings":[]}');
    const server = await startAdmission(['--mapping', file, '--refresh', '1s']);
    await ready(server);
    writeFileSync(file, JSON.stringify({ version: 1, mappings: podMappings() }));
    const changes = async () => patchOf(await post(server.url, reviewOf({ object: nginx }))).length;
    await vi.waitFor(async () => expect(await changes()).toBe(2), { timeout: 10_000 });
    writeFileSync(file, '{');
    await vi.waitFor(() => expect(server.log()).toContain('is not JSON'), { timeout: 10_000 });
    expect(await changes()).toBe(2);
  });

  it('answers everything else with an error', async () => {
    const server = await startAdmission(['--mapping', mappingFile()]);
    const statusOf = async (path: string, init: RequestInit) => (await fetch(server.url + path, init)).status;
    expect(await statusOf('/', {})).toBe(404);
    expect(await statusOf('/v1/admission', {})).toBe(405);
    expect(await statusOf('/healthz', { method: 'POST' })).toBe(405);
    expect(await statusOf('/v1/admission/any-name', { method: 'POST', body: '{' })).toBe(400);
    expect(await statusOf('/v1/gatekeeper', { method: 'POST', body: '{}' })).toBe(400);
    const large = { method: 'POST', body: 'x'.repeat(8 * 1024 * 1024 + 1) };
    expect(await statusOf('/v1/admission', large).catch(() => 413)).toBe(413);
    expect(await statusOf('/healthz', {})).toBe(200);
  });

  it('answers Pods while others send as much as they can, and never end', async () => {
    const server = await startAdmission(['--mapping', mappingFile()]);
    await ready(server);
    let closed = 0;
    const size = 8 * 1024 * 1024;
    const slow = Array.from({ length: 20 }, () => {
      const outgoing = request(`${server.url}/v1/admission`, {
        method: 'POST',
        headers: { 'content-length': size },
        agent: false,
      });
      outgoing.on('error', () => {}).on('close', () => closed++);
      outgoing.write(Buffer.alloc(size - 1, ' '));
      return outgoing;
    });
    onTestFinished(() => {
      for (const each of slow) each.destroy();
    });
    // Four of them take what there is for all, and the others are refused.
    await vi.waitFor(
      () => {
        expect(closed).toBeGreaterThan(10);
        expect(closed).toBeLessThan(slow.length);
      },
      { timeout: 30_000 },
    );
    const answer = await post(server.url, reviewOf({ object: nginx }));
    expect(patchOf(answer)[0]?.value).toContain(podMirrorPrefix);
    // After ten seconds they are sent away.
    await vi.waitFor(() => expect(closed).toBe(slow.length), { timeout: 30_000 });
    const large = { ...nginx, metadata: { name: 'web', annotations: { a: 'x'.repeat(2_000_000) } } };
    expect((await post(server.url, reviewOf({ object: large }))).response.allowed).toBe(true);
  }, 60_000);

  it('goes on for a while when it is told to end, and then ends with 0', async () => {
    const server = await startAdmission(['--mapping', mappingFile(), '--drain', '2s']);
    await ready(server);
    const ended = server.end('SIGTERM');
    await vi.waitFor(async () => expect((await fetch(`${server.url}/readyz`)).status).toBe(503));
    const last = await fetch(`${server.url}/v1/admission`, {
      method: 'POST',
      body: JSON.stringify(reviewOf({ object: nginx })),
    });
    expect([last.status, last.headers.get('connection')]).toEqual([200, 'close']);
    expect(await ended).toBe(0);
    for (const line of server.log().trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ level: 'info' });
  });

  it.each([
    [['--listen', 'x'], 2, 'write HOST:PORT'],
    [['--listen', '127.0.0.1:99999'], 2, 'write HOST:PORT'],
    [['--listen', ':0'], 2, 'where is the API?'],
    [['--listen', ':0', '--mapping', '/none'], 1, 'does not exist'],
    [['--listen', ':0', '--mapping', 'M', '--missing', 'enqueue'], 2, 'where is the API?'],
    [['--listen', ':0', '--mapping', 'M', '--data', 'd'], 2, 'leave it out with --mapping'],
    [['--listen', ':0', '--mapping', 'M', '--tls-cert', 'x'], 2, 'belong together'],
    [['--listen', ':0', '--mapping', 'M', '--tls-cert', '/none', '--tls-key', '/none'], 1, 'can’t be read'],
    [['--listen', ':0', '--mapping', 'M', '--tls-cert', 'M', '--tls-key', 'M'], 1, 'can’t be used'],
    [['--listen', '203.0.113.1:1', '--mapping', 'M'], 1, 'can’t be used'],
    [['--listen', ':0', '--mapping', 'M', '--missing', 'fail'], 2, 'keep, warn, deny, enqueue'],
  ])('%j is an error', async (args, code, message) => {
    const file = mappingFile();
    const env = { ...process.env, DRAYAGE_API: '', DRAYAGE_TOKEN: '' };
    const result = await drayage(['admission', ...args.map((each) => (each === 'M' ? file : each))], { env });
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) });
  });
});
