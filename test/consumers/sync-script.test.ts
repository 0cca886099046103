import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fillerMappings, podMappings } from '../support/pods/mappings.ts';
import { type FakeApiserver, startFakeApiserver } from '../support/sync/fake-apiserver.ts';
import { exportText, type FakeExport, startFakeExport } from '../support/sync/fake-export.ts';
import { runSync, type SyncResult } from '../support/sync/run-sync.ts';

describe.each(['busybox', 'system'] as const)('the script of the CronJob, with %s', (programs) => {
  let api: FakeExport;
  let kube: FakeApiserver;
  beforeEach(async () => {
    api = await startFakeExport();
    kube = await startFakeApiserver();
  });
  afterEach(async () => {
    await api[Symbol.asyncDispose]();
    await kube[Symbol.asyncDispose]();
  });

  const sync = (): Promise<SyncResult> => runSync({ exportUrl: api.url, kube: kube.origin, programs });
  const before = { 'docker.io/library/nginx': 'registry.example/mirror/nginx,' };
  const all = podMappings();

  it('brings what is mapped, and changes nothing the second time', async () => {
    api.answer = (request, response) => {
      expect(request.headers.authorization).toBe('Bearer secret-of-the-api');
      expect(request.headers['accept-encoding']).toContain('gzip');
      void exportText(all).then((text) =>
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(text)),
      );
    };
    expect(await sync()).toEqual({ code: 0, output: 'drayage-sync: up to date, objects: 1\n' });
    expect(kube.changes).toEqual(['PATCH main']);
    expect(Object.keys(kube.objects.get('main') ?? {})).toHaveLength(14);
    expect((await sync()).code).toBe(0);
    expect(kube.changes).toEqual(['PATCH main']);
  });

  it('follows a redirect to the store, without its token', async () => {
    const store = await startFakeExport();
    store.answer = (request, response) => {
      expect(request.headers.authorization).toBeUndefined();
      void exportText(all).then((text) => response.writeHead(200).end(text));
    };
    // Another host, as the bucket is.
    const location = store.url.replace('127.0.0.1', 'localhost');
    api.answer = (_request, response) => response.writeHead(302, { location }).end();
    const result = await sync();
    await store[Symbol.asyncDispose]();
    expect(result.code, result.output).toBe(0);
    expect(kube.changes).toEqual(['PATCH main']);
  });

  it('puts new objects before the first one shrinks, and removes what is superfluous at last', async () => {
    const many = [...all, ...fillerMappings(40_000)];
    api.say(await exportText(many));
    const grown = await sync();
    expect(grown.code, grown.output).toBe(0);
    expect(kube.changes).toEqual(['PATCH main-4', 'PATCH main-3', 'PATCH main-2', 'PATCH main']);
    kube.changes.length = 0;
    api.say(await exportText(all));
    expect((await sync()).code).toBe(0);
    expect(kube.changes).toEqual(['PATCH main', 'DELETE main-2', 'DELETE main-3', 'DELETE main-4']);
    expect([...kube.objects.keys()]).toEqual(['main']);
  });

  it('removes nothing if an object is refused', async () => {
    kube.objects.set('main', before).set('main-2', before);
    api.say((await exportText(all)).replace(/=sha256:[0-9a-f]{64},"/, '=sha256:1,"'));
    const { code, output } = await sync();
    expect(code).toBe(1);
    expect(output).toContain('{"code":422}');
    expect(kube.changes).toEqual([]);
    expect([...kube.objects.keys()]).toEqual(['main', 'main-2']);
  });

  it('says what the apiserver answers to an object that its role does not allow', async () => {
    api.say(
      `---\n{"apiVersion":"drayage.dev/v1","kind":"ImageMirror","metadata":{"name":"main-17"}}\n# complete: 1\n`,
    );
    const { code, output } = await sync();
    expect(code).toBe(1);
    expect(output).toContain('{"code":403}');
  });

  it('leaves the old objects for an export that is cut, anywhere', async () => {
    kube.objects.set('main', before).set('main-2', before);
    const text = await exportText([...all, ...fillerMappings(16_000)]);
    const ends = [0, 100, text.indexOf('---') + 4, text.indexOf('\n---\n', 2_000) + 1, text.length - 2];
    for (const end of [...ends, text.lastIndexOf('#'), text.length - 60]) {
      api.say(text.slice(0, end));
      const { code, output } = await sync();
      expect(code, `${end} of ${text.length}: ${output}`).toBe(1);
      expect(output).toContain('the export is incomplete');
    }
    // A connection that ends early, too.
    api.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': text.length }).write(text.slice(0, 10_000));
      setTimeout(() => response.destroy(), 100);
    };
    expect((await sync()).code).toBe(1);
    expect(kube.changes).toEqual([]);
  }, 120_000);

  it('says so if there are more objects than it may write, and writes none', async () => {
    kube.objects.set('main', before);
    const object = (at: number) =>
      `---\n{"apiVersion":"drayage.dev/v1","kind":"ImageMirror","metadata":{"name":"main-${at}"},"spec":{"repositories":{\n}}}\n`;
    api.say(`${Array.from({ length: 17 }, (_, at) => object(17 - at)).join('')}# complete: 17\n`);
    const { code, output } = await sync();
    expect(code).toBe(1);
    expect(output).toContain('the export has 17 objects, and a cluster takes 16');
    expect(kube.changes).toEqual([]);
  });

  it('leaves the old object if nothing is mapped, or the API has no answer', async () => {
    kube.objects.set('main', before);
    api.say(await exportText([]));
    expect((await sync()).output).toContain('{"code":422}');
    for (const [text, status] of [
      ['{"error":{"code":"unknown_format"}}', 404],
      ['{"error":{"code":"unauthorized"}}', 401],
      ['{"error":{"code":"not_built"}}', 503],
      ['<html>', 200],
    ] as const) {
      api.say(text, status);
      const { code, output } = await sync();
      expect(code).toBe(1);
      expect(output).toContain(text);
      expect(output).not.toContain('secret-of');
    }
    expect(kube.objects.get('main')).toBe(before);
    expect(kube.changes).toEqual([]);
  }, 120_000);

  it('waits and tries again while the API is busy', async () => {
    const text = await exportText(all);
    let asked = 0;
    api.answer = (_request, response) => {
      asked += 1;
      if (asked < 3) response.writeHead(503, { 'retry-after': '1' }).end();
      else response.writeHead(200).end(text);
    };
    expect((await sync()).code).toBe(0);
    expect(kube.changes).toEqual(['PATCH main']);
  });
});
