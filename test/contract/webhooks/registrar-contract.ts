/** What holds for every registrar, whatever the upstream's API. */
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../../cli/api/request-error.ts';
import { enterWebhook, type PlaceResult } from '../../../cli/webhooks/enter.ts';
import type { Outcome, Registrar } from '../../../cli/webhooks/register/registrar.ts';
import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';
import {
  type ScriptedServer,
  type ScriptedStep,
  startScriptedServer,
} from '../../support/scripted-server.ts';
import { secret, token } from './upstream.ts';

/** An upstream's API, as documented. */
export interface ApiCase {
  registrar: Registrar;
  webhook: PresentedWebhook;
  place: string;
  user?: string;
  /** What is requested before anything else. */
  login?: ScriptedStep[];
  /** What is requested to see what exists, and the answers if these hooks exist. */
  look(hooks: object[]): ScriptedStep[];
  /** A hook with this URL as the API shows it. */
  hook(url: string, id: number): object;
  /** Headers of every request after the login. */
  headers: NonNullable<ScriptedStep['headers']>;
  create: ScriptedStep;
  /** The body of `create` as JSON. */
  created: unknown;
  /** What happens if the hook 7 exists with the current URL. */
  again: { outcome: Outcome; steps: ScriptedStep[]; written?: unknown };
  /** What happens if the hook 7 exists with an older token; only if the token is in the URL. */
  outdated?: ScriptedStep[];
}

/** Enters the case's webhook at the server. */
export async function enter(
  { registrar, webhook, place, user }: ApiCase,
  server: ScriptedServer,
  { at = [place], dryRun = false }: { at?: string[]; dryRun?: boolean } = {},
): Promise<PlaceResult[]> {
  const results: PlaceResult[] = [];
  await enterWebhook(
    { webhook, registrar, endpoint: server.origin },
    { credentials: { user, token }, at, dryRun },
    (result) => results.push(result),
  );
  return results;
}

/** The failure of the only place, or of what comes before it. */
export async function failure(
  api: ApiCase,
  server: ScriptedServer,
): Promise<{ message: string; remedy?: string }> {
  try {
    const [result] = await enter(api, server);
    if (result && 'error' in result) return result.error;
    throw new Error(`did not fail: ${JSON.stringify(result)}`);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { message: error.message, ...(error.remedy !== undefined && { remedy: error.remedy }) };
  }
}

export function registrarContract(api: ApiCase): void {
  const { webhook, place, login = [], headers, outdated } = api;
  const other = api.hook('https://elsewhere.example/hook', 3);
  const others = [
    other,
    // Another deployment's webhook of this name, and one of ours whose name starts with it.
    api.hook(webhook.url.replace('api.drayage', 'staging.drayage'), 4),
    api.hook(`${webhook.url.replace(`/${secret}`, '')}-2`, 5),
  ];
  const checked = (steps: ScriptedStep[]) =>
    steps.map((step) => ({ ...step, headers: { ...headers, ...step.headers } }));
  const start = (...steps: ScriptedStep[]) => startScriptedServer([...login, ...checked(steps)]);
  const lastBody = (server: ScriptedServer) => JSON.parse(server.requests.at(-1)?.body.toString() || 'null');
  const first = (): ScriptedStep => login[0] ?? (api.look([])[0] as ScriptedStep);

  describe('what every registrar does', () => {
    it('enters a webhook, and does not touch others', async () => {
      const server = await start(...api.look(others), api.create);
      expect(await enter(api, server)).toEqual([{ place, outcome: 'created' }]);
      expect(lastBody(server)).toEqual(api.created);
    });

    it('does not enter it twice', async () => {
      const { outcome, steps, written } = api.again;
      const server = await start(...api.look([...others, api.hook(webhook.url, 7)]), ...steps);
      expect(await enter(api, server)).toEqual([{ place, outcome }]);
      if (written !== undefined) expect(lastBody(server)).toEqual(written);
    });

    if (outdated)
      it('replaces one with an older token', async () => {
        const old = api.hook(webhook.url.replace(secret, 'the-one-before'), 7);
        const server = await start(...api.look([other, old]), ...outdated);
        expect(await enter(api, server)).toEqual([{ place, outcome: 'updated' }]);
      });

    it('writes nothing in a dry run', async () => {
      const server = await start(...api.look([other]));
      expect(await enter(api, server, { dryRun: true })).toEqual([{ place, outcome: 'created' }]);
      const again = await start(...api.look([api.hook(webhook.url, 7)]));
      expect(await enter(api, again, { dryRun: true })).toEqual([{ place, outcome: api.again.outcome }]);
    });

    it.each([
      [401, /does not accept the credentials/],
      [403, /\w/],
      [404, /check the place \(--at: /],
    ])('says what helps with %i, and shows no secret', async (status, remedy) => {
      const body = { message: `no access for ${token} and ${secret}\u001b[2J` };
      const server = await startScriptedServer([{ request: first().request, answer: { status, body } }]);
      const { message, remedy: told } = await failure(api, server);
      const [method, path = ''] = first().request.split(' ');
      expect(message).toContain(
        `${method} ${server.origin}${path.split('?')[0]} was answered ${status}: “no access`,
      );
      expect(told).toMatch(remedy);
      expect(told).toContain(api.registrar.permission);
      for (const hidden of [token, secret, '\u001b']) expect(message + told).not.toContain(hidden);
    });

    it.each([
      ['a web page', { status: 200, body: '<html>' }, /can’t be used: it is a web page/],
      ['no JSON', { status: 200, body: 'ok' }, /can’t be used: it is not JSON/],
      ['another form', { status: 200, body: '[[7]]' }, /can’t be used: /],
      ['7 MiB', { status: 200, body: ' '.repeat(7 * 1024 * 1024) }, /more than 6291456 bytes/],
      ['an error without content', { status: 500, body: '[{"message":{}},7]' }, /was answered 500$/],
    ])('fails if the answer is %s', async (_, answer, expected) => {
      const server = await startScriptedServer([{ request: first().request, answer }]);
      expect((await failure(api, server)).message).toMatch(expected);
    });

    it('follows no redirect', async () => {
      const elsewhere = await startScriptedServer();
      const answer = { status: 307, headers: { location: `${elsewhere.origin}/` } };
      const server = await startScriptedServer([{ request: first().request, answer }]);
      expect((await failure(api, server)).message).toMatch(/was answered 307, which leads elsewhere$/);
    });

    it('fails if nobody answers', async () => {
      const server = await startScriptedServer([
        { request: first().request, answer: (response) => response.destroy() },
      ]);
      expect((await failure(api, server)).message).toMatch(/ got no answer: /);
    });
  });
}
