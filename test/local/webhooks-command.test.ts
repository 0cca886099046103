import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { type ScriptedStep, startScriptedServer } from '../support/scripted-server.ts';
import { bearer, presentedWebhooks, startApi, token } from '../support/webhooks-api.ts';

describe('drayage webhooks list', () => {
  it('shows each webhook and whether events arrive, but no secret', async () => {
    const { run, server } = await startApi();
    const { code, stdout, stderr } = await run(['list']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: 'secrets are shown as …; --secrets shows them\n' });
    expect(stdout.replaceAll(server.origin, 'API').split('\n\n')).toEqual([
      [
        'github: GitHub Container Registry, ghcr.io',
        '  URL       API/webhooks/github',
        '  secret    …',
        '  proof     HMAC-SHA256 of the body',
        '  enter it  organisation or repository → Settings → Webhooks',
        '  events    the last one arrived 5 min ago; the last that led to a job, 3 h ago',
        '  warning   a delivery was refused 2 min ago: not_authentic: check the secret at the sender',
      ].join('\n'),
      [
        'hub: Docker Hub, docker.io',
        '  URL       API/webhooks/hub/…',
        '  proof     the secret at the end of the URL',
        '  enter it  repository → Webhooks',
        '  events    none has arrived yet',
      ].join('\n'),
      expect.stringContaining('registry: CNCF Distribution, registry.example'),
    ]);
  });

  it('shows one with its steps, and its secret on request', async () => {
    const masked = await (await startApi()).run(['list', 'hub']);
    expect(masked.stdout).toMatch(
      /\n {2}1\. Open Webhooks at https:\/\/hub\.example\.\n {2}2\. Enter `.*\/webhooks\/hub\/…`\.\n/,
    );
    const shown = await (await startApi()).run(['list', 'hub', '--secrets']);
    expect(shown.stdout).toContain('/webhooks/hub/hub-secret`');
    expect(shown.stderr).toBe('');
  });

  it('gives programs the API’s answer', async () => {
    const { run, webhooks } = await startApi();
    expect(JSON.parse((await run(['list', '--json'])).stdout)).toEqual({ webhooks });
    const one = await startApi();
    expect(JSON.parse((await one.run(['list', 'hub', '--json'])).stdout)).toEqual(one.webhooks[1]);
  });

  it('names the webhooks if there is none of that name', async () => {
    const { code, stdout, stderr } = await (await startApi()).run(['list', 'none']);
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: 'drayage: there is no webhook named none\n  the webhooks are: github, hub, registry\n',
    });
  });

  it.each([
    [
      401,
      'unauthorized',
      'the token is not valid for this deployment: pass the reader’s or operator’s token with --token or DRAYAGE_TOKEN, and check --api',
    ],
    [403, 'forbidden', 'this needs the operator’s token: pass it with --token or DRAYAGE_TOKEN'],
  ])('says what helps with %i', async (status, code, remedy) => {
    const answer = { status, body: { error: { code, message: `not with ${token}` } } };
    const server = await startScriptedServer([{ request: 'GET /v1/webhooks', headers: bearer, answer }]);
    const result = await drayage(['webhooks', 'list', '--api', `${server.origin}/`, '--token', token]);
    expect(result).toEqual({
      code: 1,
      stdout: '',
      stderr: `drayage: GET ${server.origin}/v1/webhooks was answered ${status}: “not with REDACTED”\n  ${remedy}\n`,
    });
  });

  it('says what is wrong with its arguments', async () => {
    const env = { ...process.env, DRAYAGE_API: '', DRAYAGE_TOKEN: '' };
    const run = (...args: string[]) => drayage(['webhooks', ...args], { env });
    expect(await run('list')).toMatchObject({ code: 2, stderr: expect.stringContaining('DRAYAGE_API') });
    expect(await run('list', '--api', 'file:///x')).toMatchObject({ code: 2 });
    expect(await run('list', '--api', 'https://jo:pw@x.example')).toMatchObject({ code: 2 });
    expect(await run('list', '--api', 'https://x.example', '--token', 'a\nb')).toMatchObject({ code: 2 });
    expect(await run('lost')).toMatchObject({ code: 2 });
    expect(await run('list', '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Examples'),
    });
    const unreachable = await run('list', '--api', 'http://127.0.0.1:9');
    expect(unreachable).toMatchObject({ code: 1, stderr: expect.stringContaining('got no answer') });
  });
});

describe('drayage webhooks test', () => {
  const job = (state: string, more = {}) => ({
    request: 'GET /v1/jobs/job-1',
    headers: bearer,
    answer: { status: 200, body: { id: 'job-1', image: 'ghcr.io/acme/shop:1.0', state, ...more } },
  });
  const digest = `sha256:${'a'.repeat(64)}`;
  const mapping = {
    image: 'ghcr.io/acme/shop:1.0',
    sourceDigest: digest,
    mediaType: 'application/vnd.oci.image.index.v1+json',
  };
  const list: ScriptedStep = {
    request: 'GET /v1/mappings?registry=ghcr.io&limit=20',
    answer: { status: 200, body: { mappings: [{ ...mapping, image: `ghcr.io/acme/x@${digest}` }, mapping] } },
  };
  const delivery = (accepted: object[], ignored: object[] = []): ScriptedStep => ({
    request: 'POST /webhooks/github',
    headers: { authorization: null, 'content-type': 'application/json', 'x-github-event': 'package' },
    answer: { status: 202, body: { accepted, ignored } },
  });
  const accepted = delivery([{ image: 'ghcr.io/acme/shop:1.0', job: 'job-1' }]);

  it('delivers what the sender would, signed, and follows the job', async () => {
    const { run, server } = await startApi(list, accepted, job('queued'), job('copying'), job('committed'));
    const result = await run(['test', 'github']);
    expect(result).toEqual({
      code: 0,
      stdout: 'ghcr.io/acme/shop:1.0: committed, job job-1\n',
      stderr: [
        'delivering that ghcr.io/acme/shop:1.0 was pushed, as GitHub Container Registry does',
        'job job-1: queued',
        'job job-1: copying',
        'job job-1: committed',
        '',
      ].join('\n'),
    });
    const { body, headers } = server.requests[2] ?? {};
    expect(body?.toString()).toContain(digest);
    expect(headers?.['x-hub-signature-256']).toBe(
      `sha256=${createHmac('sha256', 'github-secret')
        .update(body ?? '')
        .digest('hex')}`,
    );
  });

  it('delivers to the address that the API gives, with the token in the URL', async () => {
    const elsewhere = await startScriptedServer([
      {
        request: 'POST /webhooks/hub/hub-secret',
        answer: {
          status: 202,
          body: { accepted: [{ image: 'docker.io/acme/shop:1.0', job: 'job-1' }], ignored: [] },
        },
      },
    ]);
    const server = await startScriptedServer();
    const [, hub] = presentedWebhooks(elsewhere.origin);
    server.expect(
      { request: 'GET /v1/webhooks', answer: { status: 200, body: { webhooks: [hub] } } },
      {
        request: 'GET /v1/mappings?image=docker.io%2Facme%2Fshop%3A1.0',
        answer: { status: 404, body: { error: { code: 'not_mirrored', message: 'no' } } },
      },
      { ...job('failed', { error: { message: 'it is gone', remedy: 'push it' } }), headers: {} },
    );
    const args = ['test', 'hub', '--image', 'acme/shop:1.0', '--api', server.origin, '--json'];
    const { code, stdout, stderr } = await drayage(['webhooks', ...args]);
    expect([code, JSON.parse(stdout).job.state]).toEqual([1, 'failed']);
    expect(stderr).toContain(`to ${elsewhere.origin}, which is where the API says`);
    expect(stderr).toContain('drayage: job job-1 failed: it is gone\n  push it\n');
    expect(stderr).not.toContain('hub-secret');
  });

  it('leaves out what only the issuer can sign', async () => {
    const server = await startScriptedServer();
    const [github] = presentedWebhooks(server.origin);
    const webhook = {
      ...github,
      source: 'gar',
      options: { email: 'push@acme.iam.gserviceaccount.com', audience: 'drayage' },
    };
    server.expect({ request: 'GET /v1/webhooks', answer: { status: 200, body: { webhooks: [webhook] } } });
    const { code, stderr } = await drayage(['webhooks', 'test', 'github', '--api', server.origin]);
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('only the issuer can sign'),
    });
  });

  it.each([{ source: 'of-tomorrow' }, { options: { ofTomorrow: 1 } }])(
    'says so if the deployment is newer: %j',
    async (more) => {
      const server = await startScriptedServer();
      const webhooks = [{ ...presentedWebhooks(server.origin)[0], ...more }];
      server.expect({ request: 'GET /v1/webhooks', answer: { status: 200, body: { webhooks } } });
      const { code, stderr } = await drayage(['webhooks', 'test', 'github', '--api', server.origin]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^drayage: this version of drayage does not know the source .*\n$/);
    },
  );

  it('fails with the reason if nothing was accepted', async () => {
    const ignored = [{ image: 'ghcr.io/acme/shop:1.0', reason: 'not_configured: no rule' }];
    const { code, stderr } = await (await startApi(list, delivery([], ignored))).run(['test', 'github']);
    expect(code).toBe(1);
    expect(stderr).toContain('ignored ghcr.io/acme/shop:1.0: not_configured: no rule\n');
  });

  it('fails if the delivery is refused, and shows no secret', async () => {
    const answer = { status: 401, body: { error: { code: 'not_authentic', message: 'no github-secret' } } };
    const { code, stderr } = await (await startApi(list, { ...accepted, answer })).run(['test', 'github']);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /POST .*\/webhooks\/github was answered 401: “no REDACTED”\n {2}the secret may have been rotated/,
    );
  });

  it('says what it needs', async () => {
    const none: ScriptedStep = { ...list, answer: { status: 200, body: { mappings: [] } } };
    const empty = await (await startApi(none)).run(['test', 'github']);
    expect(empty).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--image ghcr.io/REPOSITORY:TAG'),
    });
    const other = await (await startApi()).run(['test', 'github', '--image', 'quay.io/a/b:1']);
    expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('is for ghcr.io') });
    const bad = await (await startApi()).run(['test', 'github', '--image', 'ghcr.io/A:1']);
    expect(bad).toMatchObject({ code: 2 });
  });
});

describe('drayage webhooks rotate', () => {
  const rotated = (origin: string) => ({
    ...presentedWebhooks(origin)[1],
    retiredUntil: '2100-01-02T00:00:00.000Z',
  });

  it('prints the new URL, how long the old one is accepted, and what to do next', async () => {
    const server = await startScriptedServer();
    const request = 'POST /v1/webhooks/hub/rotate';
    server.expect({
      request,
      headers: bearer,
      body: '{"keepSeconds":7200}',
      answer: { status: 200, body: rotated(server.origin) },
    });
    const { code, stdout } = await drayage(
      ['webhooks', 'rotate', 'hub', '--keep', '2h', '--api', server.origin, '--token', token],
      {},
    );
    expect([code, stdout.split('\n')]).toEqual([
      0,
      [
        'hub has a new secret; the previous secret is accepted until 2100-01-02T00:00:00.000Z.',
        `  URL       ${server.origin}/webhooks/hub/hub-secret`,
        'Enter it at the sender: drayage webhooks register hub',
        '',
      ],
    ]);
  });

  it.each([
    [404, 'not_found', /there is no webhook named hubb\n {2}the webhooks are: github/],
    [403, 'forbidden', /this needs the operator’s token/],
    [409, 'conflict', /look at what is there now/],
  ])('says what helps with %i', async (status, code, expected) => {
    const server = await startScriptedServer([
      {
        request: 'POST /v1/webhooks/hubb/rotate',
        body: '{}',
        answer: { status, body: { error: { code, message: 'no' } } },
      },
    ]);
    if (status === 404)
      server.expect({
        request: 'GET /v1/webhooks',
        answer: { status: 200, body: { webhooks: presentedWebhooks(server.origin) } },
      });
    const result = await drayage(['webhooks', 'rotate', 'hubb', '--api', server.origin]);
    expect(result).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(expected) });
  });

  it('refuses to keep a secret for longer than a week', async () => {
    for (const keep of ['8d', '-1s', 'x', '24'])
      expect(await drayage(['webhooks', 'rotate', 'hub', `--keep=${keep}`])).toMatchObject({ code: 2 });
  });
});
