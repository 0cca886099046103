import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { drayage } from '../support/drayage.ts';
import { type ScriptedStep, startScriptedServer } from '../support/scripted-server.ts';
import { presentedWebhooks, startApi } from '../support/webhooks-api.ts';

describe('drayage webhooks register', () => {
  const upstream = (steps: ScriptedStep[] = []) => startScriptedServer(steps);
  const look = { request: 'GET /orgs/acme/hooks?per_page=100', answer: { status: 200, body: [] } };

  it('enters a webhook with the token of its upstream, and shows no secret', async () => {
    const github = await upstream([
      { ...look, headers: { authorization: 'Bearer upstream-token' } },
      { request: 'POST /orgs/acme/hooks', answer: { status: 201 } },
    ]);
    const { run } = await startApi();
    const result = await run(['register', 'github', '--endpoint', github.origin], {
      DRAYAGE_UPSTREAM_TOKEN: 'another',
      DRAYAGE_UPSTREAM_TOKEN_GITHUB: 'upstream-token',
    });
    expect(result).toEqual({ code: 0, stdout: 'github at acme: was created\n', stderr: '' });
    const sent = JSON.parse(github.requests[1]?.body.toString() ?? '');
    expect(sent.config).toMatchObject({ secret: 'github-secret', content_type: 'json' });
  });

  it('reads the token from a file, and gives programs the result for each place', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'webhooks-command-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'token');
    writeFileSync(file, 'from-a-file\n');
    const github = await upstream([
      { ...look, headers: { authorization: 'Bearer from-a-file' } },
      {
        request: 'GET /orgs/other/hooks?per_page=100',
        answer: { status: 404, body: { message: 'Not Found' } },
      },
    ]);
    const { run } = await startApi();
    const args = ['--endpoint', github.origin, '--token-file', file, '--at', 'acme', '--at', 'other'];
    const { code, stdout, stderr } = await run(['register', 'github', '--dry-run', '--json', ...args]);
    expect([code, JSON.parse(stdout)]).toEqual([
      1,
      {
        dryRun: true,
        webhooks: [
          {
            name: 'github',
            source: 'github',
            endpoint: github.origin,
            places: [
              { place: 'acme', outcome: 'created' },
              {
                place: 'other',
                error: { message: expect.stringContaining('404'), remedy: expect.any(String) },
              },
            ],
          },
        ],
      },
    ]);
    expect(stderr).toContain('github at other: GET ');
  });

  it('prints the steps if there is no API', async () => {
    const { run } = await startApi();
    const { code, stdout, stderr } = await run(['register', 'registry']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^registry: webhooks of CNCF Distribution are entered by hand .*\n {2}1\. Put …\n/,
    );
  });

  it('gives programs the steps without the secret', async () => {
    const { stdout } = await (await startApi()).run(['register', 'registry', '--json']);
    const [{ steps }] = JSON.parse(stdout).webhooks;
    expect(steps[0]).toMatch(/^Put …\n/);
    expect(stdout).not.toContain('registry-secret');
  });

  it('gives one token to only one upstream', async () => {
    const { run } = await startApi();
    const result = await run(['register', '--all'], { DRAYAGE_UPSTREAM_TOKEN: 'for-one' });
    expect(result).toMatchObject({ code: 2, stdout: '' });
    expect(result.stderr).toContain('can’t be for https://api.github.com and https://hub.docker.com');
    expect(result.stderr).toContain('DRAYAGE_UPSTREAM_TOKEN_GITHUB');
  });

  it('continues with the others if one of several lacks something', async () => {
    const { run } = await startApi();
    const { code, stderr } = await run(['register', 'hub', 'registry'], { DRAYAGE_UPSTREAM_TOKEN: 'token' });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^hub: this API wants a user’s name as well: .*--user\nregistry: webhooks of CNCF/,
    );
  });

  it.each([
    ['no name', []],
    ['a name beside --all', ['github', '--all']],
    ['a place for several', ['github', 'hub', '--at', 'acme']],
  ])('refuses wrong usage with %s', async (_, args) => {
    const server = await startScriptedServer();
    const result = await drayage(['webhooks', 'register', ...args, '--api', server.origin]);
    expect(result).toMatchObject({ code: 2, stdout: '' });
  });

  it('says which credentials are missing, and that the API requires the operator', async () => {
    const { run } = await startApi();
    const none = await run(['register', 'github'], { DRAYAGE_UPSTREAM_TOKEN: '' });
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('Set DRAYAGE_UPSTREAM_TOKEN') });
    const server = await startScriptedServer();
    const webhooks = presentedWebhooks(server.origin).map(({ secret: _, ...rest }) => rest);
    server.expect({ request: 'GET /v1/webhooks', answer: { status: 200, body: { webhooks } } });
    const reader = await drayage(['webhooks', 'register', 'github', '--api', server.origin]);
    expect(reader).toMatchObject({ code: 1, stderr: expect.stringContaining('pass the operator’s token') });
  });
});
