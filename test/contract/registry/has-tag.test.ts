import { describe, expect, it } from 'vitest';
import { type ScriptedStep, startScriptedServer } from '../../support/scripted-server.ts';
import { clientFor, errorOf } from './client-for.ts';

const path = '/v2/acme/app/manifests/1.0';
const head = (status: number): ScriptedStep => ({ request: `HEAD ${path}`, answer: { status } });
const get = (status: number, body: string | object = '', type = 'application/json'): ScriptedStep => ({
  request: `GET ${path}`,
  answer: { status, headers: { 'content-type': type }, body },
});
const error = (code: string) => ({ errors: [{ code, message: 'not found' }] });

async function ask(...steps: ScriptedStep[]): Promise<boolean> {
  const server = await startScriptedServer(steps);
  return await clientFor(server, { retry: { attempts: 1 } }).hasTag('acme/app', '1.0');
}

describe('hasTag', () => {
  it('believes a yes to HEAD, and to GET where HEAD is wrong', async () => {
    expect(await ask(head(200))).toBe(true);
    expect(await ask(head(404), get(200, '{}'))).toBe(true);
  });

  it.each(['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'NOT_FOUND', 'TAG_EXPIRED'])(
    'believes a 404 with the registry’s error %s',
    async (code) => {
      expect(await ask(head(404), get(404, error(code)))).toBe(false);
    },
  );

  it.each<[what: string, body: string | object, type?: string]>([
    ['nothing', ''],
    ['a web page', '<!doctype html><html><title>404 Not Found</title></html>', 'text/html'],
    ['plain text', 'default backend - 404', 'text/plain'],
    ['JSON of something else', { message: 'no Route matched with those values' }],
    ['an error that is cut off', '{"errors":[{"code":"MANIFEST_UNK'],
    ['an empty list of errors', { errors: [] }],
    ['another error', error('BLOB_UNKNOWN')],
    ['a code in lower case', error('manifest_unknown')],
    ['a code that is no text', { errors: [{ code: ['MANIFEST_UNKNOWN'] }] }],
  ])('does not believe a 404 with %s', async (_, body, type) => {
    const failure = await errorOf(ask(head(404), get(404, body, type)));
    expect(failure).toMatchObject({
      code: 'ANSWER_INVALID',
      status: 404,
      retry: { kind: 'backoff' },
      message: expect.stringContaining('it does not prove that the tag is gone'),
    });
  });

  it.each([401, 403, 429, 500, 502, 503])('throws for a %i', async (status) => {
    const challenge = { answer: { status, headers: { 'content-type': 'application/json' } } };
    const refusesHead = status === 403;
    const steps = [{ request: `HEAD ${path}`, ...challenge }];
    if (refusesHead) steps.push({ request: `GET ${path}`, ...challenge });
    expect(await errorOf(ask(...steps))).toMatchObject({ status });
  });

  it('asks again when the answer to GET differs', async () => {
    const server = await startScriptedServer([
      head(404),
      get(404, '<html></html>', 'text/html'),
      get(404, error('MANIFEST_UNKNOWN')),
    ]);
    expect(await clientFor(server).hasTag('acme/app', '1.0')).toBe(false);
  });
});
