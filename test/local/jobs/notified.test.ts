import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestChange } from '../../../core/jobs/changes/request-change.ts';
import { isFinished, messageOf } from '../../../core/jobs/record.ts';
import { eventSchemas } from '../../../core/notify/event-schema.ts';
import { dyingAt } from '../../support/dying-process.ts';
import { LayerJobs } from '../../support/layer-jobs.ts';
import { upstreamError } from '../../support/mirror-jobs.ts';
import { seededImage } from '../../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 500 }] });

describe('what others are told of a job', () => {
  let layers: LayerJobs;
  const mirror = () => layers.mirror;
  beforeAll(async () => {
    layers = await LayerJobs.start();
  });
  beforeEach(() => layers.reset());
  afterAll(() => mirror().close());

  const failsFor = (code: string, failure: { status: number; temporary?: boolean }) => {
    mirror().upstreamChanges = {
      manifest: async () => {
        throw upstreamError(code, failure);
      },
    };
  };

  it('is the mapping as the API shows it, and what was mapped before', async () => {
    const key = mirror().key('1.0');
    const first = await mirror().mirrored(key, image('v1'));
    const second = await mirror().mirrored(key, image('v2'));
    const { repository } = key;
    const name = `docker.io/${repository}`;
    const { digest } = image('v2').manifest;

    expect(mirror().notified).toEqual([
      expect.objectContaining({ id: `${first.id}_mirrored` }),
      {
        specversion: '1.0',
        id: `${second.id}_mirrored`,
        source: '/drayage/eu-west-1/mirror',
        type: 'dev.drayage.image.mirrored.v1',
        subject: `${name}:1.0`,
        time: '2026-04-01T12:00:00.000Z',
        datacontenttype: 'application/json',
        data: {
          image: `${name}:1.0`,
          previousDigest: image('v1').manifest.digest,
          mapping: expect.objectContaining({
            image: `${name}:1.0`,
            mirror: `mirror.example/mirror/${name}:1.0`,
            pinned: `mirror.example/mirror/${name}@${digest}`,
            digest,
            revision: 2,
            job: second.id,
          }),
          job: { id: second.id, trigger: 'webhook', receivedAt: second.receivedAt, attempts: 1 },
        },
      },
    ]);
    expect(mirror().notified[0]?.data).not.toHaveProperty('previousDigest');
    for (const event of mirror().notified)
      expect(eventSchemas.mirrored.strict().parse(event)).toMatchObject({ id: event.id });
  });

  it('is nothing if the image is mirrored already', async () => {
    const key = mirror().key('1.0');
    await mirror().mirrored(key, image('same'));
    mirror().notified = [];
    const again = await mirror().job(key, 'request');
    expect(await mirror().run(again)).toMatchObject({ state: 'committed' });
    expect(await mirror().run(again)).toEqual({ state: 'gone' });
    expect(mirror().notified).toEqual([]);
  });

  it('is why a job failed for good, and nothing while it waits', async () => {
    const key = mirror().key('1.0');
    failsFor('UNAVAILABLE', { status: 503, temporary: true });
    const message = await mirror().job(key);
    await mirror().run(message);
    expect(mirror().notified).toEqual([]);
    failsFor('DENIED', { status: 403 });
    expect(await mirror().run(message)).toMatchObject({ state: 'failed' });

    const [event, ...others] = mirror().notified;
    expect(others).toEqual([]);
    const { error } = await mirror().record(message);
    expect(eventSchemas.failed.parse(event)).toEqual(event);
    expect(event).toMatchObject({
      id: `${message.job}_failed`,
      type: 'dev.drayage.image.failed.v1',
      data: { error, image: `docker.io/${key.repository}:1.0`, job: { id: message.job, attempts: 2 } },
    });
  });

  it('is that a tag was rolled back, since clusters follow', async () => {
    const key = mirror().key('1.0');
    await mirror().mirrored(key, image('old'));
    await mirror().mirrored(key, image('new'));
    mirror().notified = [];
    const { digest } = image('old').manifest;
    mirror().now = new Date(mirror().now.getTime() + 60_000);
    const job = await requestChange({ key, change: { kind: 'rollback', digest } }, mirror().dependencies());
    await mirror().run(messageOf(job));
    expect(mirror().notified).toEqual([
      expect.objectContaining({
        time: mirror().now.toISOString(),
        data: expect.objectContaining({
          previousDigest: image('new').manifest.digest,
          mapping: expect.objectContaining({ digest, pin: true, revision: 3 }),
          job: expect.objectContaining({ id: job.id, trigger: 'rollback' }),
        }),
      }),
    ]);
  });

  it('is told once of an image of which several layers fail', async () => {
    const { key, job, messages } = await layers.fannedOut(
      seededImage({ seed: 'layers', layers: [{ size: 900 }, { size: 800 }] }),
    );
    mirror().upstreamChanges = {
      blob: () => {
        throw upstreamError('DENIED', { status: 403 });
      },
    };
    for (const message of messages) await layers.run(message);
    expect(mirror().notified).toEqual([
      expect.objectContaining({ id: `${job}_failed`, subject: `docker.io/${key.repository}:latest` }),
    ]);
  });

  it('does not keep a job from its end if the event bus refuses it', async () => {
    const notifier = {
      notify: async () => {
        throw new Error('the bus is closed');
      },
    };
    const key = mirror().key('1.0');
    mirror().push(key, image('refused'));
    expect(await mirror().run(await mirror().job(key), { notifier })).toMatchObject({ state: 'committed' });
    failsFor('DENIED', { status: 403 });
    expect(await mirror().run(await mirror().job(key), { notifier })).toMatchObject({ state: 'failed' });
    expect(mirror().warnings).toEqual(['an event could not be sent', 'an event could not be sent']);
  });

  it('is told at least once, with the same id, wherever the function dies', async () => {
    let deaths = 0;
    for (const when of ['before', 'after'] as const) {
      for (let call = 1, died = true; died; call += 1) {
        const key = mirror().key('1.0');
        mirror().push(key, image(`${when} ${call}`));
        const message = await mirror().job(key);
        mirror().notified = [];
        const dying = dyingAt(mirror().dependencies(), { call, when }, ['mappings', 'jobs', 'notifier']);
        await mirror()
          .run(message, dying.deps)
          .catch(() => {});
        died = dying.died();
        if (died) deaths += 1;
        // It may have died with the lease, which others wait for.
        const tag = await mirror().stores.mappings.read(key);
        if (tag) await mirror().stores.mappings.releaseLease(key, { fence: tag.fence, state: tag });
        await mirror().run(message);
        expect(isFinished(await mirror().record(message)), `${when} call ${call}`).toBe(true);
        const ids = new Set(mirror().notified.map(({ id }) => id));
        expect([...ids], `${when} call ${call}`).toEqual([`${message.job}_mirrored`]);
        expect(mirror().notified.length).toBeLessThanOrEqual(2);
      }
    }
    expect(deaths).toBeGreaterThan(20);
  });
});
