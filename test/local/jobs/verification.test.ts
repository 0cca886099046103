import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestChange } from '../../../core/jobs/changes/request-change.ts';
import type { Change, JobMessage, JobTrigger } from '../../../core/jobs/record.ts';
import { messageOf } from '../../../core/jobs/record.ts';
import { redrive } from '../../../core/jobs/recovery/redrive.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import { lookupImage } from '../../../core/mapping/lookup.ts';
import type { DigestKey, ImageKey } from '../../../core/mapping/record.ts';
import { LayerJobs } from '../../support/layer-jobs.ts';
import { MirrorJobs, upstreamError } from '../../support/mirror-jobs.ts';
import { type SeededImage, type SeededIndex, seededImage, seededIndex } from '../../support/seeded-image.ts';

const image = (seed: string) => seededImage({ seed, layers: [{ size: 300 }] });
const [red, blue] = [image('red'), image('blue')];

describe('an image that its rule requires to be signed', () => {
  let jobs: MirrorJobs;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => jobs.reset());
  afterEach(async () => {
    for (const parked of await jobs.stores.jobs.due('9999', 1_000)) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());

  let count = 0;
  /** A tag of a repository whose rule verifies. */
  const keyOf = (reference = '1.0', rule = 'verified') => {
    count += 1;
    return jobs.key(reference, `library/${rule}/app-${count}`);
  };
  const digestKey = (key: ImageKey, of: SeededImage | SeededIndex): DigestKey => ({
    ...key,
    reference: of.manifest.digest,
  });
  const event = async (key: ImageKey, trigger?: JobTrigger): Promise<JobMessage> => {
    const message = await jobs.job(key, trigger);
    await jobs.run(message);
    return message;
  };
  const push = async (key: ImageKey, pushed: SeededImage | SeededIndex, trigger?: JobTrigger) => {
    jobs.push(key, pushed);
    return await event(key, trigger);
  };
  /** A signature's event: its job, and what it queues. */
  const signed = async (key: ImageKey, of: SeededImage | SeededIndex): Promise<string[]> => {
    jobs.queue.sent = [];
    await event(digestKey(key, of), 'signature');
    const woken = jobs.queue.sent.splice(0).map(({ body }) => body);
    for (const body of woken) await jobs.run(body);
    return woken.map(({ job }) => job);
  };
  /** Runs the schedule each minute, or in long waits less often. */
  const minutesPass = async (minutes: number) => {
    const step = minutes > 20 ? 5 : 1;
    for (let minute = 0; minute < minutes; minute += step) {
      jobs.now = new Date(jobs.now.getTime() + step * 60_000);
      jobs.queue.sent = [];
      await resendDue(jobs.dependencies(), jobs.now);
      for (const { body } of jobs.queue.sent.splice(0)) await jobs.run(body);
    }
  };
  const isEmpty = (key: ImageKey) => {
    const { manifests, blobs, tags } = jobs.mirror(key);
    return manifests.size + blobs.size + tags.size === 0;
  };
  const digestOf = async (key: ImageKey) => (await jobs.mapping(key))?.digest;
  const noted = (key: ImageKey, of: SeededImage) => jobs.dependencies().awaited.of(digestKey(key, of));
  const change = async (key: ImageKey, what: Change) => {
    await requestChange({ key, change: what }, { ...jobs.dependencies(), now: () => jobs.now });
    const message = jobs.queue.sent.at(-1)?.body;
    if (!message) throw new Error('nothing was queued');
    await jobs.run(message);
    return await jobs.record(message);
  };

  it('is mirrored once it is verified; what was verified stands in the mapping, its digest’s and the history', async () => {
    const key = keyOf();
    jobs.verdicts.sign(red.manifest.digest);
    const message = await push(key, red);
    expect(await jobs.record(message)).toMatchObject({ state: 'committed', attempts: 1 });
    expect(jobs.verdicts.asked).toMatchObject([
      { image: `docker.io/${key.repository}:1.0`, digest: red.manifest.digest },
    ]);
    const verified = { digest: red.manifest.digest, signatures: [{ by: 'key SHA256:abc' }] };
    for (const each of [key, digestKey(key, red)]) {
      const shown = await lookupImage(jobs.stores.mappings, each);
      expect(shown).toMatchObject({ verified });
      expect(shown).not.toHaveProperty('verifiedUnder');
    }
    jobs.verdicts.sign(blue.manifest.digest);
    await push(key, blue);
    const history = await jobs.stores.mappings.history(key);
    expect(history.map(({ mapping }) => mapping.verified?.digest)).toEqual([
      blue.manifest.digest,
      red.manifest.digest,
    ]);
    expect(await noted(key, red)).toEqual([]);
  });

  it('and is not waits in growing pauses, uses up no attempts, and fails after an hour', async () => {
    const key = keyOf();
    const message = await push(key, red);
    expect(await jobs.record(message)).toMatchObject({
      state: 'waiting',
      attempts: 0,
      notBefore: '2026-04-01T12:00:15.000Z',
      error: { code: 'signature_missing', side: 'upstream' },
    });
    await minutesPass(55);
    expect(await jobs.record(message)).toMatchObject({ state: 'waiting', attempts: 0 });
    expect(jobs.verdicts.asked.length).toBeLessThan(15);
    await minutesPass(6);
    const record = await jobs.record(message);
    expect(record).toMatchObject({ state: 'failed', error: { code: 'signature_missing' } });
    expect(record.error?.message).toContain('no signature was found');
    expect(isEmpty(key)).toBe(true);
    expect(await digestOf(key)).toBeUndefined();
    expect(jobs.notified).toMatchObject([{ type: 'dev.drayage.image.failed.v1' }]);
  });

  it('twenty seconds after its push is mapped by the signature’s event, by the same job', async () => {
    const key = keyOf();
    const message = await push(key, red);
    jobs.now = new Date(jobs.now.getTime() + 20_000);
    jobs.verdicts.sign(red.manifest.digest);
    expect(await signed(key, red)).toEqual([message.job]);
    expect(await jobs.record(message)).toMatchObject({ state: 'committed', lagMs: 20_000 });
    expect(await digestOf(key)).toBe(red.manifest.digest);
    // Nobody waits any more.
    expect(await noted(key, red)).toEqual([]);
    expect(await signed(key, red)).toEqual([]);
  });

  it('without any event of the signature is found by the job’s own looks', async () => {
    const key = keyOf();
    const message = await push(key, red);
    await minutesPass(3);
    jobs.verdicts.sign(red.manifest.digest);
    await minutesPass(8);
    expect(await jobs.record(message)).toMatchObject({ state: 'committed' });
  });

  it('is mirrored when the signature’s event comes first', async () => {
    const key = keyOf();
    jobs.push(key, red);
    jobs.verdicts.sign(red.manifest.digest);
    expect(await signed(key, red)).toEqual([]);
    expect(await jobs.record(await event(key))).toMatchObject({ state: 'committed' });
  });

  it('after its job has failed gets a new one from the signature’s event, for each of its tags', async () => {
    const key = keyOf();
    const latest = { ...key, reference: 'latest' };
    const failed = [await push(key, red), await push(latest, red)];
    await minutesPass(62);
    for (const message of failed) expect(await jobs.record(message)).toMatchObject({ state: 'failed' });
    jobs.verdicts.sign(red.manifest.digest);
    const woken = await signed(key, red);
    expect(woken).toHaveLength(2);
    for (const message of failed) expect(woken).not.toContain(message.job);
    expect(await digestOf(key)).toBe(red.manifest.digest);
    expect(await digestOf(latest)).toBe(red.manifest.digest);
  });

  it('with a wrong signature fails at once, leaves the mapping, and is looked at when another one comes', async () => {
    const key = keyOf();
    jobs.verdicts.sign(red.manifest.digest);
    await push(key, red);
    jobs.verdicts.say(blue.manifest.digest, { kind: 'wrong', reason: 'signed by somebody@example.com' });
    const message = await push(key, blue);
    const record = await jobs.record(message);
    expect(record).toMatchObject({ state: 'failed', error: { code: 'signature_invalid' } });
    expect(record.error?.message).toContain('somebody@example.com');
    expect(await digestOf(key)).toBe(red.manifest.digest);
    expect(jobs.mirror(key).tags.get('1.0')).toBe(red.manifest.digest);
    expect(jobs.mirror(key).manifests.has(blue.manifest.digest)).toBe(false);
    jobs.verdicts.sign(blue.manifest.digest);
    expect(await signed(key, blue)).toHaveLength(1);
    expect(await digestOf(key)).toBe(blue.manifest.digest);
  });

  it('and whose tag moves to an unsigned one keeps the old mapping, also after an hour', async () => {
    const key = keyOf();
    jobs.verdicts.sign(red.manifest.digest);
    await push(key, red);
    const message = await push(key, blue);
    await minutesPass(62);
    expect(await jobs.record(message)).toMatchObject({
      state: 'failed',
      error: { code: 'signature_missing' },
    });
    expect(await digestOf(key)).toBe(red.manifest.digest);
    expect(jobs.mirror(key).manifests.has(blue.manifest.digest)).toBe(false);
  });

  it('and whose signature was removed before it was mirrored waits', async () => {
    const key = keyOf();
    jobs.push(key, red);
    jobs.verdicts.sign(red.manifest.digest);
    const message = await jobs.job(key);
    jobs.verdicts.forget(red.manifest.digest);
    await jobs.run(message);
    expect(await jobs.record(message)).toMatchObject({
      state: 'waiting',
      error: { code: 'signature_missing' },
    });
    expect(isEmpty(key)).toBe(true);
  });

  it('and is mapped stays so when its signature is removed, but is not mapped again by a tag that moves back', async () => {
    const key = keyOf();
    for (const each of [red, blue]) jobs.verdicts.sign(each.manifest.digest);
    await push(key, red);
    jobs.verdicts.forget(red.manifest.digest);
    expect(await jobs.record(await event(key, 'request'))).toMatchObject({ state: 'committed' });
    await push(key, blue);
    expect(await jobs.record(await push(key, red))).toMatchObject({ state: 'waiting' });
    expect(await digestOf(key)).toBe(blue.manifest.digest);
  });

  it('is not mirrored while the upstream does not serve its signatures', async () => {
    const key = keyOf();
    jobs.verdicts.say(red.manifest.digest, upstreamError('CONNECTION', { temporary: true }));
    expect(await jobs.record(await push(key, red))).toMatchObject({
      state: 'waiting',
      error: { code: 'CONNECTION' },
    });
    expect(isEmpty(key)).toBe(true);
  });

  it.each<[string, string | undefined]>([
    ['about another image', blue.manifest.digest],
    ['without signatures', undefined],
  ])('is not mirrored by a verdict %s', async (_, digest) => {
    const key = keyOf();
    const signatures = digest
      ? [{ kind: 'signature' as const, by: 'x', manifest: blue.manifest.digest }]
      : [];
    const verified = { digest: digest ? blue.manifest.digest : red.manifest.digest, at: '', signatures };
    jobs.verdicts.say(red.manifest.digest, { kind: 'verified', verified });
    jobs.push(key, red);
    await expect(jobs.run(await jobs.job(key))).rejects.toThrow('to be verified');
    expect(isEmpty(key)).toBe(true);
  });

  it('covers the manifests below its index, and they do not cover it', async () => {
    const index = seededIndex({ seed: 'index', layers: [{ size: 300 }] });
    const child = index.children[0] as SeededImage;
    const key = keyOf();
    jobs.verdicts.sign(child.manifest.digest);
    expect(await jobs.record(await push(key, index))).toMatchObject({ state: 'waiting' });
    expect(isEmpty(key)).toBe(true);
    jobs.verdicts.forget(child.manifest.digest);
    jobs.verdicts.sign(index.manifest.digest);
    await signed(key, index);
    const below = digestKey(key, child);
    expect(await jobs.mapping(below)).toMatchObject({ verified: { digest: index.manifest.digest } });
    // Somebody asks for the child by its digest.
    expect(await jobs.record(await push(below, child, 'request'))).toMatchObject({ state: 'committed' });
    expect(await jobs.mapping(below)).toMatchObject({ verified: { digest: index.manifest.digest } });
  });

  it('and was mirrored under another rule is verified, and published again with its children', async () => {
    const index = seededIndex({ seed: 'before', layers: [{ size: 300 }] });
    const key = keyOf();
    jobs.push(key, index);
    const { config } = jobs.dependencies();
    const [upstream] = config.upstreams;
    if (!upstream) throw new Error('no upstream');
    const repositories = upstream.repositories.map(({ verify: _, ...rule }) => rule);
    const before = { ...config, upstreams: [{ ...upstream, repositories }] };
    await jobs.run(await jobs.job(key), { config: before });
    expect(await jobs.mapping(key)).not.toHaveProperty('verified');
    expect(jobs.verdicts.asked).toEqual([]);

    expect(await jobs.record(await event(key, 'reconcile'))).toMatchObject({ state: 'waiting' });
    jobs.verdicts.sign(index.manifest.digest);
    await signed(key, index);
    const verified = { digest: index.manifest.digest };
    for (const each of [key, digestKey(key, index), digestKey(key, index.children[0] as SeededImage)])
      expect(await jobs.mapping(each)).toMatchObject({ verified });
    expect((await jobs.stores.mappings.read(key))?.revision).toBe(2);
    // And not again and again.
    const asked = jobs.verdicts.asked.length;
    await event(key, 'request');
    expect(jobs.verdicts.asked).toHaveLength(asked);
    expect((await jobs.stores.mappings.read(key))?.revision).toBe(2);
  });

  it('and is not is waited for once by comparisons with the upstream; later ones are one look each', async () => {
    const key = keyOf();
    const first = await push(key, red, 'reconcile');
    await minutesPass(62);
    expect(await jobs.record(first)).toMatchObject({ state: 'failed' });
    const asked = jobs.verdicts.asked.length;
    jobs.notified = [];
    for (let round = 1; round <= 3; round += 1) {
      expect(await jobs.record(await event(key, 'reconcile'))).toMatchObject({
        state: 'satisfied',
        reason: { code: 'unverified' },
      });
      expect(jobs.verdicts.asked).toHaveLength(asked + round);
    }
    expect(jobs.notified).toEqual([]);
    // The signature’s event still finds it, and so would the next comparison.
    jobs.verdicts.sign(red.manifest.digest);
    expect(await signed(key, red)).toHaveLength(1);
    expect(await digestOf(key)).toBe(red.manifest.digest);
  });

  it('waits for an hour again when it is redriven', async () => {
    // The list of jobs begins at today's.
    jobs.now = new Date();
    const key = keyOf();
    await push(key, red);
    await minutesPass(62);
    jobs.queue.sent = [];
    const { jobs: redriven } = await redrive(
      { state: 'failed', image: `docker.io/${key.repository}:1.0`, limit: 10 },
      { ...jobs.dependencies(), now: () => jobs.now },
    );
    const [again] = redriven;
    if (!again) throw new Error('nothing was redriven');
    await jobs.run(messageOf(again));
    expect(await jobs.record({ job: again.id })).toMatchObject({ state: 'waiting', trigger: 'redrive' });
    await minutesPass(30);
    expect(await jobs.record({ job: again.id })).toMatchObject({ state: 'waiting' });
    await minutesPass(32);
    expect(await jobs.record({ job: again.id })).toMatchObject({ state: 'failed' });
  });

  it('is woken also where its rule mirrors no signatures', async () => {
    const key = keyOf('1.0', 'checked');
    const message = await push(key, red);
    jobs.verdicts.sign(red.manifest.digest);
    expect(await signed(key, red)).toEqual([message.job]);
    expect(await jobs.record(message)).toMatchObject({ state: 'committed' });
  });

  it('is not woken by an event of another image’s signature', async () => {
    const key = keyOf();
    const message = await push(key, red);
    jobs.verdicts.sign(red.manifest.digest);
    expect(await signed(key, blue)).toEqual([]);
    expect(await jobs.record(message)).toMatchObject({ state: 'waiting' });
  });

  describe('when somebody goes back to it', () => {
    /** Mirrors two images under a rule that verifies nothing. */
    const unverified = async (key: ImageKey) => {
      const { config } = jobs.dependencies();
      const upstreams = config.upstreams.map((upstream) => ({
        ...upstream,
        repositories: upstream.repositories.map(({ verify: _, ...rule }) => rule),
      }));
      for (const each of [red, blue]) {
        jobs.push(key, each);
        await jobs.run(await jobs.job(key), { config: { ...config, upstreams } });
      }
    };
    const back: Change = { kind: 'rollback', digest: red.manifest.digest };

    it('and it was verified before, asks nobody', async () => {
      const key = keyOf();
      for (const each of [red, blue]) {
        jobs.verdicts.sign(each.manifest.digest);
        await push(key, each);
      }
      jobs.verdicts.forget(red.manifest.digest);
      expect(await change(key, back)).toMatchObject({ state: 'committed' });
      expect(await jobs.mapping(key)).toMatchObject({
        digest: red.manifest.digest,
        pin: true,
        verified: { digest: red.manifest.digest },
      });
    });

    it.each<[string, Change]>([
      ['a rollback', back],
      ['a pin', { kind: 'pin' }],
    ])('and it never was verified, %s is refused until it is signed', async (_, what) => {
      const key = keyOf();
      await unverified(key);
      expect(await change(key, what)).toMatchObject({ state: 'failed', error: { code: 'not_verified' } });
      expect(await jobs.mapping(key)).toMatchObject({ digest: blue.manifest.digest, pin: false });
      expect(jobs.mirror(key).tags.get('1.0')).toBe(blue.manifest.digest);
      const target = what.kind === 'rollback' ? red : blue;
      jobs.verdicts.sign(target.manifest.digest);
      expect(await change(key, what)).toMatchObject({ state: 'committed' });
      expect(await jobs.mapping(key)).toMatchObject({
        digest: target.manifest.digest,
        pin: true,
        verified: { digest: target.manifest.digest },
      });
    });

    it('and it is unpinned, it is verified under today’s rule although it was committed last', async () => {
      const key = keyOf();
      await unverified(key);
      jobs.push(key, red);
      expect(await change(key, { kind: 'unpin' })).toMatchObject({ state: 'waiting' });
      expect(await digestOf(key)).toBe(blue.manifest.digest);
    });
  });
});

describe('a large image that its rule requires to be signed', () => {
  let jobs: LayerJobs;
  beforeAll(async () => {
    jobs = await LayerJobs.start();
  });
  afterAll(() => jobs.close());

  it('hands out no layer before it is verified, and keeps what was verified meanwhile', async () => {
    const { mirror } = jobs;
    const large = seededImage({ seed: 'large', layers: [{ size: 9_000 }, { size: 8_000 }] });
    const key = mirror.key('1.0', 'library/verified/large');
    mirror.push(key, large);
    const fanOut = { queue: jobs.layerQueue, leases: jobs.leases, minBytes: 5_000 };
    const message = await mirror.job(key);
    expect(await mirror.run(message, { fanOut })).toMatchObject({ state: 'waiting' });
    expect(jobs.layerQueue.sent).toEqual([]);
    mirror.verdicts.sign(large.manifest.digest);
    expect(await mirror.run(message, { fanOut })).toMatchObject({ state: 'copying' });
    // What happens upstream now is of no importance: the evidence stands in the record.
    mirror.verdicts.forget(large.manifest.digest);
    for (const layer of jobs.layerQueue.sent.splice(0)) await jobs.run(layer);
    for (const { body } of mirror.queue.sent.splice(0)) await mirror.run(body, { fanOut });
    expect(await mirror.record(message)).toMatchObject({ state: 'committed' });
    expect(await mirror.mapping(key)).toMatchObject({ verified: { digest: large.manifest.digest } });
  });

  it('is verified again after its layers if the record does not say what was', async () => {
    const { mirror } = jobs;
    const large = seededImage({ seed: 'unproven', layers: [{ size: 9_000 }, { size: 8_000 }] });
    const key = mirror.key('1.0', 'library/verified/unproven');
    mirror.push(key, large);
    const fanOut = { queue: jobs.layerQueue, leases: jobs.leases, minBytes: 5_000 };
    const message = await mirror.job(key);
    mirror.verdicts.sign(large.manifest.digest);
    await mirror.run(message, { fanOut });
    const { fannedOut } = await mirror.record(message);
    if (!fannedOut) throw new Error('no layers were handed out');
    const { evidence: _, ...unproven } = fannedOut;
    await mirror.stores.jobs.update(message.job, { fannedOut: unproven });
    mirror.verdicts.forget(large.manifest.digest);
    mirror.queue.sent = [];
    for (const layer of jobs.layerQueue.sent.splice(0)) await jobs.run(layer);
    for (const { body } of mirror.queue.sent.splice(0)) await mirror.run(body, { fanOut });
    expect(await mirror.record(message)).toMatchObject({
      state: 'waiting',
      error: { code: 'signature_missing' },
    });
    expect(mirror.mirror(key).tags.size).toBe(0);
  });
});
