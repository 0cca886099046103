import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { ApiDeployment } from '../../../../lambda/api/api-deployment.ts';
import { createHandler } from '../../../../lambda/api/handler.ts';
import { readPageFiles } from '../../../../lambda/api/page/files.ts';

const folder = join(import.meta.dirname, '../../../../web');
const sources = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);
const modules = sources.filter(([name]) => name.endsWith('.js'));

// No environment: the page must not need any secret, table or configuration.
const handler = createHandler(new ApiDeployment({}));
const context = { functionName: 'test', awsRequestId: '1' } as Context;

async function ask(path: string, { method = 'GET', headers = {} } = {}) {
  const event = {
    rawPath: path,
    rawQueryString: '',
    headers,
    requestContext: { stage: '$default', domainName: 'api.example', http: { method } },
  } as unknown as APIGatewayProxyEventV2;
  return (await handler(event, context)) as APIGatewayProxyStructuredResultV2;
}

/** The addresses that the shell names. */
async function addresses(): Promise<string[]> {
  const { body = '' } = await ask('/');
  return [...body.matchAll(/(?:href|src)="(web\/[^"]+)"/g)].map(([, address]) => `/${address}`);
}

describe('the status page', () => {
  it('is there without a token, and says what a browser may do with it', async () => {
    const { statusCode, headers, body } = await ask('/');
    expect([statusCode, body?.slice(0, 15)]).toEqual([200, '<!doctype html>']);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    const policy = String(headers?.['content-security-policy']).split('; ');
    for (const directive of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "img-src 'self' data:",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ])
      expect(policy).toContain(directive);
    expect(policy.join()).not.toMatch(/unsafe|https?:|\*/);
    expect(headers?.['permissions-policy']).toContain('camera=()');
  });

  it('answers HEAD like GET, other methods with 405', async () => {
    const head = await ask('/', { method: 'HEAD' });
    expect([head.statusCode, head.headers?.etag]).toEqual([200, (await ask('/')).headers?.etag]);
    expect(await ask('/', { method: 'POST' })).toMatchObject({ statusCode: 405, headers: { allow: 'GET' } });
  });

  it('answers 304 to a browser that has it', async () => {
    for (const path of ['/', ...(await addresses())]) {
      const { headers = {} } = await ask(path);
      const held = await ask(path, { headers: { 'if-none-match': String(headers.etag) } });
      expect([held.statusCode, held.body, held.headers?.etag]).toEqual([304, undefined, headers.etag]);
      expect(held.headers?.['content-security-policy']).toBe(headers['content-security-policy']);
    }
  });

  it('names files that browsers may keep for ever, each with its type', async () => {
    const types: Record<string, string> = {
      css: 'text/css; charset=utf-8',
      js: 'text/javascript; charset=utf-8',
      svg: 'image/svg+xml',
    };
    const named = await addresses();
    expect(named.length).toBeGreaterThan(10);
    for (const path of named) {
      const { statusCode, headers } = await ask(path);
      expect([path, statusCode, headers?.['content-type']]).toEqual([
        path,
        200,
        types[path.split('.').at(-1) ?? ''],
      ]);
      expect(headers?.['cache-control']).toBe('public, max-age=31536000, immutable');
      expect(headers?.['x-content-type-options']).toBe('nosniff');
    }
  });

  it('serves the present files under an earlier version, but not to keep', async () => {
    expect(await ask('/web/earlier/app.js')).toMatchObject({
      statusCode: 200,
      headers: { 'cache-control': 'no-cache' },
    });
  });

  it.each(['app.jsx', '..', '%2e%2e', 'api-types.d.ts', 'index.html', '__proto__', 'constructor'])(
    'answers 404 to %s',
    async (name) => {
      const answer = await ask(`/web/x/${name}`);
      expect([answer.statusCode, JSON.parse(answer.body ?? '')]).toMatchObject([
        404,
        { error: { code: 'not_found' } },
      ]);
    },
  );

  it('answers 404 to other addresses below /web', async () => {
    for (const path of ['/web', '/web/', '/web/app.js', '/web/a/b/app.js'])
      expect(await ask(path)).toMatchObject({ statusCode: 404 });
  });

  it('is compressed for browsers, and has less than 100 kB even if it is not', async () => {
    const { headers, isBase64Encoded } = await ask('/', { headers: { 'accept-encoding': 'gzip, br' } });
    expect([headers?.['content-encoding'], isBase64Encoded]).toEqual(['br', true]);
    const texts = [...readPageFiles().files.values()].map(({ text }) => text);
    expect(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBeLessThan(100_000);
    expect(texts.reduce((sum, text) => sum + gzipSync(text).byteLength, 0)).toBeLessThan(35_000);
  });

  it('gets another version when a file changes', () => {
    const { version, files } = readPageFiles();
    expect(readPageFiles()).toEqual({ version, files });
    expect(files.get('index.html')?.text).toContain(`src="web/${version}/app.js"`);
  });
});

describe('the sources of the status page', () => {
  it('make no markup out of texts, and run none', () => {
    const forbidden =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTML|srcdoc|\beval\b|new Function|javascript:|localStorage/i;
    expect(modules.length).toBeGreaterThan(10);
    for (const [name, text] of modules) expect(forbidden.exec(text)?.[0], name).toBeUndefined();
  });

  it('have nothing inline, and nothing from elsewhere', () => {
    for (const [name, text] of sources) {
      if (name.endsWith('.html')) {
        expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=/i);
        expect(text, name).not.toMatch(/https?:/);
      }
      if (name.endsWith('.css')) expect(text, name).not.toMatch(/url\(|@import/);
      for (const [address] of text.matchAll(/https?:\/\/[^\s'"]+/g))
        expect(address, name).toMatch(/^http:\/\/www\.w3\.org\/2000\/svg$/);
    }
  });

  it('are all named in the shell, so that a browser need not wait for one to find the next', async () => {
    const named = (await addresses())
      .filter((path) => path.endsWith('.js'))
      .map((path) => path.split('/')[3]);
    expect(named.sort()).toEqual(modules.map(([name]) => name).sort());
  });
});
