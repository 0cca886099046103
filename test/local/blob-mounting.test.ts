import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { ECRClient, GetAccountSettingCommand, PutAccountSettingCommand } from '@aws-sdk/client-ecr';
import type { CloudFormationCustomResourceEvent, Context } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { handler } from '../../lambda/blob-mounting/handler.ts';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { startLocalStack } from '../../local/stack.ts';
import { pipelineConfig } from '../support/pipeline.ts';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

async function settingOf(endpoint: string): Promise<string | undefined> {
  const ecr = new ECRClient({ endpoint, region: 'eu-west-1', credentials });
  try {
    return (await ecr.send(new GetAccountSettingCommand({ name: 'BLOB_MOUNTING' }))).value;
  } finally {
    ecr.destroy();
  }
}

async function putSetting(endpoint: string, value: string): Promise<void> {
  const ecr = new ECRClient({ endpoint, region: 'eu-west-1', credentials });
  await ecr.send(new PutAccountSettingCommand({ name: 'BLOB_MOUNTING', value }));
  ecr.destroy();
}

describe('the custom resource for blob mounting', () => {
  let registry: EmbeddedRegistry;
  let server: Server;
  /** What arrived at the ResponseURL. */
  let answers: { request: IncomingMessage; body: Buffer }[] = [];
  /** The statuses that it answers, in order; 200 by default, and 0 cuts the connection. */
  let statuses: number[] = [];

  beforeAll(async () => {
    registry = await startRegistry({ flavour: 'ecr', region: 'eu-west-1' });
    server = createServer(async (request, response) => {
      answers.push({ request, body: await buffer(request) });
      const status = statuses.shift() ?? 200;
      if (status === 0) request.socket.destroy();
      else response.writeHead(status).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  beforeEach(async () => {
    answers = [];
    statuses = [];
    registry.faults.clear();
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', registry.endpoint);
    await putSetting(registry.endpoint, 'DISABLED');
    registry.clearRequests();
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await registry.stop();
  });

  const invoke = (RequestType: string) =>
    handler(
      {
        RequestType,
        ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/bucket/key?X-Amz-Signature=abc`,
        StackId: 'arn:aws:cloudformation:eu-west-1:111122223333:stack/Drayage/1',
        RequestId: 'request-1',
        LogicalResourceId: 'Setting',
        ResourceType: 'Custom::BlobMounting',
        ResourceProperties: {},
        ...(RequestType === 'Create' ? {} : { PhysicalResourceId: 'blob-mounting' }),
      } as unknown as CloudFormationCustomResourceEvent,
      { functionName: 'blob-mounting', awsRequestId: '1' } as Context,
    );
  const bodies = () => answers.map(({ body }) => JSON.parse(body.toString('utf8')));
  const ids = {
    PhysicalResourceId: 'blob-mounting',
    StackId: 'arn:aws:cloudformation:eu-west-1:111122223333:stack/Drayage/1',
    RequestId: 'request-1',
    LogicalResourceId: 'Setting',
  };

  it.each(['Create', 'Update'])(
    'turns the setting on at %s, and reports it to CloudFormation',
    async (type) => {
      await invoke(type);
      expect(await settingOf(registry.endpoint)).toBe('ENABLED');
      expect(bodies()).toEqual([{ Status: 'SUCCESS', ...ids }]);
      const [{ request } = { request: undefined }] = answers;
      expect(request?.method).toBe('PUT');
      expect(request?.url, 'the signature goes along').toBe('/bucket/key?X-Amz-Signature=abc');
      expect(request?.headers['content-type'], 'the URL is signed for none').toBeUndefined();
      expect(request?.headers['content-length']).toBe(String(answers[0]?.body.byteLength));
    },
  );

  it('leaves the setting alone if it is on', async () => {
    await putSetting(registry.endpoint, 'ENABLED');
    registry.clearRequests();
    await invoke('Create');
    expect(bodies()).toEqual([{ Status: 'SUCCESS', ...ids }]);
    expect(registry.requests.map(({ operation }) => operation)).toEqual(['GetAccountSetting']);
  });

  it('leaves the setting as it is when the stack is deleted, and asks nobody', async () => {
    await putSetting(registry.endpoint, 'ENABLED');
    registry.clearRequests();
    await invoke('Delete');
    expect(registry.requests).toEqual([]);
    expect(await settingOf(registry.endpoint)).toBe('ENABLED');
    expect(bodies()).toEqual([{ Status: 'SUCCESS', ...ids }]);
  });

  it('reports why it failed', async () => {
    registry.faults.add({
      match: { operation: 'PutAccountSetting' },
      action: { kind: 'status', status: 403 },
    });
    await invoke('Create');
    expect(bodies()).toEqual([
      {
        Status: 'FAILED',
        Reason: expect.stringMatching(/^enabling BLOB_MOUNTING of the ECR registry failed: \w+/),
        ...ids,
      },
    ]);
    expect(await settingOf(registry.endpoint)).toBe('DISABLED');
  });

  it('answers in time even if ECR is silent', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      registry.faults.add({ match: { operation: 'GetAccountSetting' }, action: { kind: 'stall' } });
      const running = invoke('Create');
      await vi.waitFor(() => expect(registry.requests).toHaveLength(1));
      await vi.advanceTimersByTimeAsync(25_000);
      await running;
    } finally {
      vi.useRealTimers();
    }
    expect(bodies()).toMatchObject([
      { Status: 'FAILED', Reason: expect.stringContaining('it took longer than 25 s') },
    ]);
  });

  it('also answers what nobody thought of, in few words', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_ECR', `no url ${'x'.repeat(9_000)}`);
    await invoke('Create');
    const [body] = bodies();
    expect(body).toMatchObject({ Status: 'FAILED', ...ids });
    expect(body.Reason.length).toBeLessThanOrEqual(1_000);
    expect(answers[0]?.body.byteLength).toBeLessThan(4_096);
  });

  it('answers again if the answer was not accepted, and fails if it never is', async () => {
    statuses = [503, 0];
    await invoke('Create');
    expect(bodies()).toEqual(Array.from({ length: 3 }, () => ({ Status: 'SUCCESS', ...ids })));

    answers = [];
    statuses = [403, 403, 403, 403];
    const failure = await invoke('Update').then(
      () => undefined,
      (error: Error) => error,
    );
    expect(failure?.message).toBe('CloudFormation could not be answered after 4 attempts: status 403');
    expect(answers).toHaveLength(4);
  });
});

describe('blob mounting of the local stack', () => {
  it('is on from the start', async () => {
    const upstream = await startRegistry({ flavour: 'distribution' });
    const stack = await startLocalStack({ config: pipelineConfig(upstream.endpoint) });
    try {
      expect(await settingOf(stack.registry.endpoint)).toBe('ENABLED');
    } finally {
      await stack.stop();
      await upstream.stop();
    }
  });
});
