import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { DynamoScanWaits } from '../../../core/aws/dynamodb/requirements/scan-waits.ts';
import { DynamoSeenDigests } from '../../../core/aws/dynamodb/requirements/seen-digests.ts';
import type { ProcessDependencies } from '../../../core/jobs/process-message.ts';
import type { JobMessage } from '../../../core/jobs/record.ts';
import { wakeScanned } from '../../../core/jobs/requirements/wake-scanned.ts';
import { resendDue } from '../../../core/jobs/resend.ts';
import type { ImageKey } from '../../../core/mapping/record.ts';
import type { ScanResult } from '../../../core/requirements/scans.ts';
import { MirrorJobs } from '../../support/mirror-jobs.ts';
import { type SeededImage, seededImage, seededIndex } from '../../support/seeded-image.ts';

const hour = 3_600_000;
const image = (seed: string, more: object = {}) => seededImage({ seed, layers: [{ size: 900 }], ...more });
const complete = (counts: Record<string, number> = {}): ScanResult => ({
  kind: 'complete',
  counts: new Map(Object.entries(counts)),
});

describe('what a rule requires', () => {
  let jobs: MirrorJobs;
  /** What each scan says; by default, it is under way. */
  let scanOf: (digest: string) => ScanResult;
  let asked: string[];
  let upstreamReads: number;
  beforeAll(async () => {
    jobs = await MirrorJobs.start();
  });
  beforeEach(() => {
    jobs.reset();
    asked = [];
    scanOf = () => ({ kind: 'pending', reason: 'it is IN_PROGRESS' });
    upstreamReads = 0;
  });
  afterEach(async () => {
    for (const parked of await jobs.stores.jobs.due('9999', 1_000)) await jobs.stores.jobs.unpark(parked);
  });
  afterAll(() => jobs.close());

  const waits = () => new DynamoScanWaits(jobs.stores.table);
  const changes = (): Partial<ProcessDependencies> => ({
    requirements: {
      seen: new DynamoSeenDigests(jobs.stores.table),
      waits: waits(),
      scans: {
        result: async (_, digest) => {
          asked.push(digest);
          return scanOf(digest);
        },
      },
    },
  });
  const run = (message: JobMessage) => jobs.run(message, changes());
  /** Pushes an image, and runs its job once. */
  const pushed = async (key: ImageKey, pushedImage: Parameters<MirrorJobs['push']>[1]) => {
    jobs.push(key, pushedImage);
    const message = await jobs.job(key);
    await run(message);
    return message;
  };
  /** Runs what is due by then, minute by minute. */
  const pass = async (ms: number) => {
    jobs.now = new Date(jobs.now.getTime() + ms);
    jobs.queue.sent = [];
    await resendDue(jobs.dependencies(), jobs.now);
    const sent = jobs.queue.sent.map(({ body }) => body);
    for (const body of sent) await run(body);
    return sent.map(({ job }) => job);
  };
  const isUntouched = (key: ImageKey) => {
    const mirror = jobs.mirror(key);
    return mirror.blobs.size + mirror.manifests.size + mirror.tags.size === 0;
  };

  describe('of its content', () => {
    it('fails what is too large before anything is put', async () => {
      const key = jobs.key('1.0', 'library/small-1');
      const message = await pushed(key, image('large', { layers: [{ size: 20_000 }] }));
      expect(await jobs.record(message)).toMatchObject({
        state: 'failed',
        error: {
          code: 'too_large',
          remedy: expect.stringContaining('require.maxBytes of the rule library/small-*'),
        },
      });
      expect(isUntouched(key)).toBe(true);
      expect(await jobs.mapping(key)).toBeUndefined();
    });

    it('fails what lacks a label or a platform, and leaves the mapping what it was', async () => {
      const key = jobs.key('1.0', 'library/labelled-1');
      const good = image('good', { labels: { vendor: 'Acme' } });
      expect(await jobs.record(await pushed(key, good))).toMatchObject({ state: 'committed' });
      const unlabelled = await pushed(key, image('unlabelled'));
      expect(await jobs.record(unlabelled)).toMatchObject({
        state: 'failed',
        error: { code: 'label_mismatch', side: 'upstream' },
      });
      const platforms = [{ os: 'linux', architecture: 'arm64' }];
      const index = seededIndex({
        seed: 'arm',
        layers: [{ size: 500 }],
        platforms,
        labels: { vendor: 'Acme' },
      });
      expect(await jobs.record(await pushed(key, index))).toMatchObject({
        state: 'failed',
        error: { code: 'platform_missing' },
      });
      expect(await jobs.mapping(key)).toMatchObject({ digest: good.manifest.digest });
      expect(jobs.mirror(key).tags.get('1.0')).toBe(good.manifest.digest);
    });
  });

  describe('of its age', () => {
    it('lets an image wait until its digest is old enough, without an attempt', async () => {
      const key = jobs.key('1.0', 'library/aged-1');
      const young = image('young');
      const message = await pushed(key, young);
      expect(await jobs.record(message)).toMatchObject({
        state: 'waiting',
        attempts: 0,
        notBefore: '2026-04-02T12:00:00.000Z',
        error: { code: 'too_young', message: expect.stringContaining(young.manifest.digest) },
      });
      expect(isUntouched(key)).toBe(true);
      expect(await pass(23 * hour)).toEqual([]);
      expect(await pass(hour)).toContain(message.job);
      expect(await jobs.record(message)).toMatchObject({ state: 'committed', attempts: 1, lagMs: 0 });
      expect(await jobs.mapping(key)).toMatchObject({ digest: young.manifest.digest });
    });

    it('never mirrors a poisoned tag that is replaced meanwhile', async () => {
      const key = jobs.key('1.0', 'library/aged-2');
      const [good, poisoned, mended] = [image('good'), image('poisoned'), image('mended')];
      await pushed(key, good);
      await pass(24 * hour);
      expect(await jobs.mapping(key)).toMatchObject({ digest: good.manifest.digest });
      await pushed(key, poisoned);
      await pass(12 * hour);
      const last = await pushed(key, mended);
      expect(await jobs.record(last)).toMatchObject({ notBefore: '2026-04-04T00:00:00.000Z' });
      // The first push's job finds the new digest, whose age has just begun.
      await pass(12 * hour);
      expect(await jobs.mapping(key)).toMatchObject({ digest: good.manifest.digest });
      await pass(12 * hour);
      expect(await jobs.mapping(key)).toMatchObject({ digest: mended.manifest.digest });
      expect(jobs.mirror(key).manifests.has(poisoned.manifest.digest)).toBe(false);
    });

    it('begins anew for a digest that comes back', async () => {
      const key = jobs.key('1.0', 'library/aged-3');
      await pushed(key, image('a'));
      await pass(20 * hour);
      await pushed(key, image('b'));
      await pass(hour);
      const message = await pushed(key, image('a'));
      expect(await jobs.record(message)).toMatchObject({ notBefore: '2026-04-03T09:00:00.000Z' });
    });

    it('begins anew for a digest that was replaced by what is mapped', async () => {
      const key = jobs.key('1.0', 'library/aged-6');
      const [good, poisoned] = [image('good-6'), image('poisoned-6')];
      await pushed(key, good);
      await pass(24 * hour);
      // It is shown for a minute, so that nobody notices.
      await pushed(key, poisoned);
      await pushed(key, good);
      await pass(25 * hour);
      const message = await pushed(key, poisoned);
      expect(await jobs.record(message)).toMatchObject({ state: 'waiting', error: { code: 'too_young' } });
      expect(await jobs.mapping(key)).toMatchObject({ digest: good.manifest.digest });
    });

    it('ends the jobs of pushes that others have overtaken', async () => {
      const key = jobs.key('1.0', 'library/aged-7');
      const messages = [];
      for (let push = 1; push <= 30; push += 1) {
        messages.push(await pushed(key, image(`moved-${push}`)));
        await pass(hour);
      }
      const records = await Promise.all(messages.map((message) => jobs.record(message)));
      const waiting = records.filter(({ state }) => state === 'waiting');
      expect(waiting.map(({ id }) => id)).toEqual(records.slice(-waiting.length).map(({ id }) => id));
      // Each is looked at again only when its own digest would be old enough.
      expect(waiting.length).toBeLessThanOrEqual(24);
      await pass(24 * hour);
      expect((await jobs.record(messages[0] as (typeof messages)[0])).state).toBe('satisfied');
      expect(await jobs.mapping(key)).toMatchObject({ digest: image('moved-30').manifest.digest });
    });

    it('does not ask for times that the image names, and takes what is mapped as known', async () => {
      const key = jobs.key('1.0', 'library/aged-4');
      await pushed(key, image('old'));
      await pass(24 * hour);
      // The mirror has lost its tag: the image is put again at once.
      jobs.mirror(key).tags.delete('1.0');
      const message = await jobs.job(key, 'reconcile');
      await run(message);
      expect(await jobs.record(message)).toMatchObject({ state: 'committed' });
      expect(jobs.mirror(key).tags.has('1.0')).toBe(true);
    });

    it('fails closed where ages are not known', async () => {
      const key = jobs.key('1.0', 'library/aged-5');
      jobs.push(key, image('unknown'));
      const message = await jobs.job(key);
      await expect(jobs.run(message)).rejects.toThrow('can check neither ages nor scans');
      expect(isUntouched(key)).toBe(true);
    });
  });

  describe('of its scan', () => {
    const scanned = async (repository: string, pushedImage: SeededImage) => {
      const key = jobs.key('1.0', repository);
      return { key, message: await pushed(key, pushedImage) };
    };

    it('lets an image wait untagged until the event, and then maps it', async () => {
      const one = image('scanned');
      const { key, message } = await scanned('library/scanned-1', one);
      const { digest } = one.manifest;
      expect(await jobs.record(message)).toMatchObject({
        state: 'waiting',
        attempts: 0,
        notBefore: '2026-04-01T12:00:15.000Z',
        error: { code: 'scan_pending' },
      });
      expect(jobs.mirror(key).manifests.has(digest)).toBe(true);
      expect(jobs.mirror(key).tags.size).toBe(0);
      expect(await jobs.mapping(key)).toBeUndefined();
      const place = { repository: 'mirror/docker.io/library/scanned-1', digest };
      const deps = { ...jobs.dependencies(), waits: waits() };
      scanOf = () => complete({ MEDIUM: 3 });
      expect(await wakeScanned({ ...place, repository: 'mirror/other' }, deps)).toBe(0);
      expect(await wakeScanned(place, deps)).toBe(1);
      const [sent] = jobs.queue.sent;
      expect(sent?.body.job).toBe(message.job);
      await run(message);
      expect(await jobs.record(message)).toMatchObject({ state: 'committed', attempts: 1 });
      expect(await jobs.mapping(key)).toMatchObject({ digest });
      expect(await wakeScanned(place, deps), 'it no longer waits').toBe(0);
    });

    it('looks by itself if no event comes, without asking the upstream', async () => {
      const one = image('eventless');
      const { key, message } = await scanned('library/scanned-2', one);
      jobs.upstreamChanges = {
        manifest: async () => {
          upstreamReads += 1;
          throw new Error('the upstream was asked');
        },
      };
      for (let minute = 0; minute < 3; minute++) await pass(60_000);
      expect(await jobs.record(message)).toMatchObject({ state: 'waiting', attempts: 0 });
      expect(upstreamReads).toBe(0);
      jobs.upstreamChanges = {};
      scanOf = () => complete();
      await pass(120_000);
      expect(await jobs.record(message)).toMatchObject({ state: 'committed' });
      expect(await jobs.mapping(key)).toMatchObject({ digest: one.manifest.digest });
    });

    it('fails an image with findings, and the mapping stays what it was', async () => {
      scanOf = () => complete();
      const key = jobs.key('1.0', 'library/scanned-3');
      const good = image('clean');
      await pushed(key, good);
      scanOf = () => complete({ CRITICAL: 1, HIGH: 2, LOW: 7 });
      const bad = image('infested');
      const message = await pushed(key, bad);
      const { error, state } = await jobs.record(message);
      expect(state).toBe('failed');
      expect(error).toMatchObject({ code: 'scan_blocked' });
      expect(error?.message).toContain('has findings: 1 CRITICAL, 2 HIGH; its rule blocks HIGH and above');
      expect(await jobs.mapping(key)).toMatchObject({ digest: good.manifest.digest });
      expect(jobs.mirror(key).tags.get('1.0')).toBe(good.manifest.digest);
      expect(jobs.notified.map(({ type }) => type)).toEqual([
        'dev.drayage.image.mirrored.v1',
        'dev.drayage.image.failed.v1',
      ]);
    });

    it('scans each platform of an index, and no attestation', async () => {
      scanOf = () => complete();
      const key = jobs.key('1.0', 'library/scanned-4');
      const index = seededIndex({ seed: 'many', layers: [{ size: 500 }] });
      expect(await jobs.record(await pushed(key, index))).toMatchObject({ state: 'committed' });
      expect(asked.sort()).toEqual(index.children.map(({ manifest }) => manifest.digest).sort());
    });

    it('fails what is not finished in time, or can’t be scanned', async () => {
      const { key, message } = await scanned('library/scanned-5', image('slow'));
      for (let minute = 0; minute < 11; minute++) await pass(60_000);
      const { error, state } = await jobs.record(message);
      expect(state).toBe('failed');
      expect(error).toMatchObject({ code: 'scan_unavailable' });
      expect(error?.message).toContain('not finished after 600 seconds');
      scanOf = () => ({ kind: 'unavailable', reason: 'it is FAILED (UnsupportedImageError)' });
      const other = await scanned('library/scanned-6', image('scratch'));
      expect((await jobs.record(other.message)).error).toMatchObject({ code: 'scan_unavailable' });
      for (const one of [key, other.key]) {
        expect(await jobs.mapping(one)).toBeUndefined();
        expect(jobs.mirror(one).tags.size).toBe(0);
      }
    });

    it('waits anew for a tag that moved meanwhile', async () => {
      const { key, message } = await scanned('library/scanned-7', image('first'));
      const second = image('second');
      jobs.push(key, second);
      scanOf = (digest) =>
        digest === second.manifest.digest ? { kind: 'pending', reason: 'r' } : complete();
      await pass(60_000);
      const { scanning, state } = await jobs.record(message);
      expect(state).toBe('waiting');
      expect(scanning).toMatchObject({ digest: second.manifest.digest, since: '2026-04-01T12:01:00.000Z' });
      scanOf = () => complete();
      await pass(60_000);
      expect(await jobs.mapping(key)).toMatchObject({ digest: second.manifest.digest });
    });
  });
});
