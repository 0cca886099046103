import { describe, expect, it } from 'vitest';
import { MirrorDeployment } from '../../../lambda/mirror/mirror-deployment.ts';
import { CopyDeployment } from '../../../lambda/shared/copy-deployment.ts';
import { Deployment } from '../../../lambda/shared/deployment.ts';
import { Environment, EnvironmentError } from '../../../lambda/shared/environment.ts';
import { WebhookDeployment } from '../../../lambda/shared/webhook-deployment.ts';
import { configOf, withUpstream } from '../mirror-yaml/config-text.ts';

const config = configOf(withUpstream('  - { registry: ghcr.io, repositories: [{ match: "acme/**" }] }'));
const configured = (changes: object = {}) => ({
  DRAYAGE_CONFIG_JSON: JSON.stringify({ ...config, ...changes }),
});
const copy = (env: NodeJS.ProcessEnv) => new CopyDeployment({ ...configured(), ...env });

describe('what is wrong in the environment is named', () => {
  it.each<[variable: string, read: () => unknown]>([
    ['DRAYAGE_TABLE', () => new Deployment({}).jobs],
    ['DRAYAGE_TABLE', () => new Deployment({ DRAYAGE_TABLE: '' }).mappings],
    ['DRAYAGE_QUEUE_URL', () => new Deployment({}).queue],
    ['DRAYAGE_LAYER_QUEUE_URL', () => copy({}).layerQueue],
    ['DRAYAGE_FAN_OUT_BYTES', () => copy({}).fanOutBytes],
    ['DRAYAGE_CONFIG_JSON', () => new Deployment({}).config],
  ])('a missing or empty %s', (variable, read) => {
    expect(read).toThrow(EnvironmentError);
    expect(read).toThrow(variable);
  });

  it.each(['', ' ', 'many', '16MiB', '0', '-1', 'NaN', 'Infinity'])('the size %j', (text) => {
    const { message } = thrownBy(() => copy({ DRAYAGE_FAN_OUT_BYTES: text }).fanOutBytes);
    expect(message).toContain(`the environment variable DRAYAGE_FAN_OUT_BYTES is ${text ? `"${text}"` : ''}`);
  });

  it.each(['', 'soon', '-1', 'Infinity'])('the seconds %j', (text) => {
    const deployment = copy({ DRAYAGE_HOLD_SECONDS: text, DRAYAGE_RETRY_SECONDS: text });
    expect(() => deployment.holdSeconds).toThrow('DRAYAGE_HOLD_SECONDS');
    expect(() => deployment.retrySeconds).toThrow('DRAYAGE_RETRY_SECONDS');
  });

  it('a hold of zero seconds, which would be renewed without a pause', () => {
    expect(() => copy({ DRAYAGE_HOLD_SECONDS: '0' }).holdSeconds).toThrow('DRAYAGE_HOLD_SECONDS is "0"');
  });

  it('the secret of the webhooks', async () => {
    await expect(new WebhookDeployment({}).webhookRoots()).rejects.toThrow('DRAYAGE_WEBHOOK_SECRET');
  });

  it.each([
    ['{', 'is not JSON'],
    ['null', 'is not a configuration'],
    ['[]', 'is not a configuration'],
    ['{"mirror":{"regions":["eu-west-1"]}}', 'is not a configuration'],
    ['{"mirror":{"regions":"eu-west-1"},"upstreams":[]}', 'is not a configuration'],
  ])('the configuration %s', (text, problem) => {
    const { message } = thrownBy(() => new Deployment({ DRAYAGE_CONFIG_JSON: text }).config);
    expect(message).toContain(`the environment variable DRAYAGE_CONFIG_JSON ${problem}`);
  });

  it('a configuration without a region', () => {
    const deployment = new Deployment(configured({ mirror: { ...config.mirror, regions: [] } }));
    expect(() => deployment.region).toThrow('mirror.regions of the configuration is empty');
  });

  it('never by the value of the configuration, which may name secrets', () => {
    const { message } = thrownBy(() => new Environment({ DRAYAGE_CONFIG_JSON: '{"secret":"hush"' }).config());
    expect(message).not.toContain('hush');
  });
});

describe('a deployment', () => {
  it('reads nothing before it is asked', () => {
    const unread = new Proxy({}, { get: (_, name) => expect.fail(`${String(name)} was read`) });
    expect(() => new CopyDeployment(unread)).not.toThrow();
  });

  it('keeps settings without ever failing a job', async () => {
    const late = { signal: AbortSignal.abort(new Error('late')) };
    for (const env of [configured(), {}])
      await expect(new MirrorDeployment(env).keepInLine('mirror/app', late)).resolves.toBeUndefined();
  });

  it('returns numbers that are set, and leaves what is absent to the functions', () => {
    const set = { DRAYAGE_FAN_OUT_BYTES: '1048576', DRAYAGE_HOLD_SECONDS: '0.5', DRAYAGE_RETRY_SECONDS: '0' };
    expect(copy(set)).toMatchObject({ fanOutBytes: 1_048_576, holdSeconds: 0.5, retrySeconds: 0 });
    expect(copy({}).holdSeconds).toBeUndefined();
    expect(copy({}).retrySeconds).toBeUndefined();
  });

  it('opens each part once', () => {
    const deployment = copy({ DRAYAGE_TABLE: 'table', DRAYAGE_QUEUE_URL: 'https://sqs.example/mirror.fifo' });
    expect(deployment.config).toEqual(config);
    expect(deployment.config).toBe(deployment.config);
    expect(deployment.jobs).toBe(deployment.jobs);
    expect(deployment.queue).toBe(deployment.queue);
    expect(deployment.streamSpeed).toBe(deployment.streamSpeed);
    expect(deployment.upstreams).toBe(deployment.upstreams);
    expect(deployment.mirror).toBe(deployment.mirror);
  });

  it('retries a part that could not be opened', () => {
    const env: NodeJS.ProcessEnv = {};
    const deployment = new Deployment(env);
    expect(() => deployment.config).toThrow('DRAYAGE_CONFIG_JSON');
    Object.assign(env, configured());
    expect(deployment.region).toBe('eu-west-1');
  });

  it('shares nothing with another one of the same process', () => {
    const other = configured({ mirror: { ...config.mirror, regions: ['us-east-1'] } });
    const [here, there] = [copy({ DRAYAGE_TABLE: 'a' }), copy({ ...other, DRAYAGE_TABLE: 'b' })];
    expect([here.region, there.region]).toEqual(['eu-west-1', 'us-east-1']);
    expect(here.jobs).not.toBe(there.jobs);
    expect(here.streamSpeed).not.toBe(there.streamSpeed);
    expect(here.upstreams).not.toBe(there.upstreams);
  });
});

function thrownBy(read: () => unknown): Error {
  try {
    read();
  } catch (error) {
    return error as Error;
  }
  return expect.fail('nothing was thrown');
}
