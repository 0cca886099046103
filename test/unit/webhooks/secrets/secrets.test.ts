import { describe, expect, it } from 'vitest';
import { rotateSecret } from '../../../../core/webhooks/secrets/rotate.ts';
import {
  DeploymentSecrets,
  type SecretRoots,
  validSecrets,
  webhookSecret,
} from '../../../../core/webhooks/secrets/secrets.ts';
import {
  newWebhookState,
  type RetiredSecret,
  type WebhookState,
  type WebhookStates,
} from '../../../../core/webhooks/secrets/state.ts';

const start = Date.parse('2026-04-01T12:00:00.000Z');
const day = 86_400_000;
const secret = (generation: number, root = 'root') => webhookSecret(root, 'hub', generation);

/** The states of one webhook in memory. */
class MemoryStates implements Pick<WebhookStates, 'read' | 'rotate'> {
  state: WebhookState = newWebhookState;
  reads = 0;
  async read(): Promise<WebhookState> {
    this.reads++;
    return this.state;
  }
  async rotate(_name: string, from: WebhookState, retired: RetiredSecret[], now: Date) {
    if (from.generation !== this.state.generation) return undefined;
    this.state = { ...this.state, generation: from.generation + 1, retired, rotatedAt: now.toISOString() };
    return this.state;
  }
}

function deployment(roots: SecretRoots = { root: 'root' }) {
  const states = new MemoryStates();
  const clock = { now: start };
  const rootReads: boolean[] = [];
  const secrets = new DeploymentSecrets(
    async ({ fresh }) => {
      rootReads.push(fresh);
      return roots;
    },
    states,
    () => new Date(clock.now),
  );
  const rotate = (keepSeconds = 86_400) =>
    rotateSecret(states as unknown as WebhookStates, 'hub', keepSeconds, new Date(clock.now));
  return {
    states,
    clock,
    secrets,
    rotate,
    roots,
    takeRootReads: () => rootReads.splice(0, rootReads.length),
  };
}

describe('a deployment’s webhook secrets', () => {
  it('are read once every half minute, however many ask at once', async () => {
    const { secrets, states, clock } = deployment();
    const all = await Promise.all(Array.from({ length: 20 }, () => secrets.forWebhook('hub')));
    expect(all).toEqual(Array(20).fill({ secrets: [secret(0)] }));
    clock.now += 29_000;
    await secrets.forWebhook('hub');
    expect(states.reads).toBe(1);
    clock.now += 2_000;
    await secrets.forWebhook('hub');
    expect(states.reads).toBe(2);
  });

  it('are read again on demand, at a bounded rate', async () => {
    const { secrets, states, clock, takeRootReads } = deployment();
    await secrets.forWebhook('hub');
    const reread = async () => (await secrets.reread('hub')) !== undefined;
    const burst = await Promise.all(Array.from({ length: 100 }, reread));
    expect(burst.filter(Boolean)).toHaveLength(10);
    clock.now += 3_000;
    expect(await Promise.all(Array.from({ length: 100 }, reread))).toEqual([
      true,
      true,
      true,
      ...Array(97).fill(false),
    ]);
    expect(states.reads).toBe(14);
    expect(takeRootReads()).toEqual([false, ...Array(13).fill(true)]);
    clock.now += 3_600_000;
    expect((await Promise.all(Array.from({ length: 100 }, reread))).filter(Boolean)).toHaveLength(10);
  });

  it('are read again for one webhook however often that is done for another, so flooding one cannot hide a rotation', async () => {
    const { secrets, rotate } = deployment();
    await secrets.forWebhook('hub');
    for (let n = 0; n < 100; n++) await secrets.reread('other');
    await rotate();
    expect(await secrets.reread('hub')).toEqual({ secrets: [secret(1), secret(0)] });
  });

  it('are still trusted if reading them again fails', async () => {
    const { secrets, states } = deployment();
    await secrets.forWebhook('hub');
    states.read = () => Promise.reject(new Error('the table is gone'));
    await expect(secrets.reread('hub')).rejects.toThrow('the table is gone');
    expect(await secrets.forWebhook('hub')).toEqual({ secrets: [secret(0)] });
  });

  it('are requested again after a failure', async () => {
    const { secrets, states } = deployment();
    const { read } = states;
    states.read = () => Promise.reject(new Error('the table is gone'));
    await expect(secrets.forWebhook('hub')).rejects.toThrow('the table is gone');
    states.read = read;
    expect(await secrets.forWebhook('hub')).toEqual({ secrets: [secret(0)] });
  });

  it('are two during a rotation, for a day', async () => {
    const { secrets, clock, rotate } = deployment();
    await secrets.forWebhook('hub');
    await rotate();
    expect(await secrets.reread('hub')).toEqual({ secrets: [secret(1), secret(0)] });
    clock.now += day - 1;
    expect(await secrets.forWebhook('hub')).toEqual({ secrets: [secret(1), secret(0)] });
    clock.now += 1;
    expect(await secrets.forWebhook('hub')).toEqual({ secrets: [secret(1)] });
  });

  it('keep what is still in use when rotated twice, and nothing if the caller says so', async () => {
    const { states, clock, rotate } = deployment();
    const valid = () => validSecrets({ root: 'root' }, 'hub', states.state, new Date(clock.now));
    await rotate();
    clock.now += day / 2;
    await rotate();
    expect(valid()).toEqual([secret(2), secret(1), secret(0)]);
    clock.now += day / 2;
    expect(valid()).toEqual([secret(2), secret(1)]);
    await rotate(0);
    expect(valid()).toEqual([secret(3)]);
    for (let n = 0; n < 30; n++) await rotate();
    expect(valid()).toHaveLength(21);
  });

  it('derive from two roots while the root is changed', () => {
    const of = (roots: SecretRoots) =>
      validSecrets(roots, 'hub', { ...newWebhookState, generation: 2 }, new Date(start));
    expect(of({ root: 'new', previousRoot: 'root' })).toEqual([secret(2, 'new'), secret(2)]);
    expect(of({ root: 'new' })).toEqual([secret(2, 'new')]);
  });

  it('belong to no other webhook, generation or root', () => {
    const all = ['hub', 'hub-1', 'hu'].flatMap((name) =>
      [0, 1, 11].flatMap((generation) => ['a', 'b'].map((root) => webhookSecret(root, name, generation))),
    );
    expect(new Set(all).size).toBe(all.length);
  });
});
