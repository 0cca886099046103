import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { notifyEvents } from '../../../core/config/config.ts';
import type { MappingRecord, StoredMapping } from '../../../core/mapping/record.ts';
import { detailTypeOf, eventJsonSchema, type NotifiedEvent } from '../../../core/notify/event-schema.ts';
import { imageFailed, imageMirrored, mappingRemoved } from '../../../core/notify/events.ts';
import { maxAttempts, pauseAfter } from '../../../core/notify/retries.ts';
import { notifyRules } from '../../../core/notify/rules.ts';
import { configOf } from '../mirror-yaml/config-text.ts';

const config = configOf('version: 1\nmirror: { regions: [eu-west-1], repositoryPrefix: yard/images }');
const digest = `sha256:${'1'.repeat(64)}` as const;
const key = { registry: 'ghcr.io', repository: 'acme/shop', reference: '1.0' };
const hosts = { 'eu-west-1': '111122223333.dkr.ecr.eu-west-1.amazonaws.com' };
const job = {
  id: '01m85ak3j23mt8andghk1jng1z',
  key,
  trigger: 'webhook',
  receivedAt: '2026-04-01T12:00:00.000Z',
  attempts: 1,
};
const mapping: MappingRecord = {
  mirrorRepository: 'yard/images/ghcr.io/acme/shop',
  digest,
  sourceDigest: digest,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  platforms: ['linux/amd64'],
  sizeBytes: 10,
  pin: false,
  region: 'eu-west-1',
  observedAt: '2026-04-01T12:00:01.000Z',
  mirroredAt: '2026-04-01T12:00:02.000Z',
  job: job.id,
  referrers: { copied: 1, missing: [{ digest, code: 'DENIED', reason: 'no' }] },
  foreign: { blobs: 1, bytes: 2 },
};
const stored: StoredMapping = { key, revision: 7, mapping };
const removal = { reason: 'deleted', at: '2026-04-02T00:00:00.000Z' } as const;

const events: Record<(typeof notifyEvents)[number], NotifiedEvent> = {
  mirrored: imageMirrored({ config, stored, hosts, job, previousDigest: digest }),
  failed: imageFailed({
    config,
    job,
    error: { code: 'DENIED', side: 'upstream', message: 'it is private', remedy: 'log in' },
    at: new Date('2026-04-01T12:00:03.000Z'),
  }),
  removed: mappingRemoved({ config, stored, hosts, removal }),
};

describe('events', () => {
  it.each(notifyEvents)('%s: fit their documented schema', (name) => {
    const validate = new Ajv2020({ formats: { 'date-time': true } }).compile(eventJsonSchema(name));
    validate(events[name]);
    expect(validate.errors).toBeNull();
    for (const field of ['id', 'source', 'subject', 'time', 'data']) {
      expect(validate({ ...events[name], [field]: undefined })).toBe(false);
      // Later versions may add fields.
      expect(validate({ ...events[name], another: 1 })).toBe(true);
    }
  });

  it('are named after what happened', () => {
    expect(notifyEvents.map((name) => [detailTypeOf(events[name]), events[name].type])).toEqual([
      ['Image Mirrored', 'dev.drayage.image.mirrored.v1'],
      ['Image Failed', 'dev.drayage.image.failed.v1'],
      ['Mapping Removed', 'dev.drayage.mapping.removed.v1'],
    ]);
  });

  it('say which deployment and image they are about', () => {
    for (const event of Object.values(events))
      expect(event).toMatchObject({
        specversion: '1.0',
        source: '/drayage/eu-west-1/yard/images',
        subject: 'ghcr.io/acme/shop:1.0',
        data: { image: 'ghcr.io/acme/shop:1.0' },
      });
  });

  it('have ids without a full stop, of which no two are alike', () => {
    const byDigest = { ...stored, key: { ...key, reference: digest } };
    const all = [...Object.values(events), mappingRemoved({ config, stored: byDigest, hosts, removal })];
    const ids = all.map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[\w-]{30,200}$/);
  });

  it('are the same when they are made again, whenever that is', () => {
    expect(imageMirrored({ config, stored, hosts, job, previousDigest: digest })).toEqual(events.mirrored);
    expect(events.mirrored.time).toBe(mapping.mirroredAt);
    expect(mappingRemoved({ config, stored, hosts, removal })).toEqual(events.removed);
    expect(events.removed.time).toBe(removal.at);
  });

  it('can be made only if the address of the mirror is known', () => {
    expect(() => imageMirrored({ config, stored, hosts: {}, job })).toThrow('eu-west-1 is not recorded');
  });
});

describe('rules', () => {
  it('send each endpoint the events that it wants, of this deployment', () => {
    const notify = [
      { name: 'a', url: 'https://a', secret: 's', events: ['mirrored' as const, 'removed' as const] },
    ];
    expect(notifyRules({ ...config, notify })).toEqual([
      {
        endpoint: 'a',
        pattern: {
          source: ['drayage'],
          detailType: ['Image Mirrored', 'Mapping Removed'],
          detail: { source: ['/drayage/eu-west-1/yard/images'] },
        },
      },
    ]);
    expect(notifyRules(config)).toEqual([]);
  });
});

describe('the pauses between attempts', () => {
  const all = () => Array.from({ length: maxAttempts }, (_, index) => pauseAfter(index + 1));

  it('grow, vary a little, and end after about a day', () => {
    const pauses = all().slice(0, -1).map(Number);
    expect(pauses.length).toBe(maxAttempts - 1);
    for (const [index, pause] of pauses.slice(2).entries())
      expect(pause).toBeGreaterThan(0.8 * (pauses[index + 1] ?? 0));
    const hours = pauses.reduce((sum, pause) => sum + pause, 0) / 3_600;
    expect(hours).toBeGreaterThan(20);
    expect(hours).toBeLessThan(26);
    expect(new Set(Array.from({ length: 50 }, () => pauseAfter(12))).size).toBeGreaterThan(10);
    expect(pauseAfter(maxAttempts)).toBeUndefined();
  });

  it('are never longer than a message can be hidden', () => {
    for (const pause of [...all(), pauseAfter(1, 10 ** 9)]) expect(pause ?? 0).toBeLessThan(43_200);
  });

  it('are as long as the receiver asks, within reason', () => {
    expect(pauseAfter(1, 600)).toBe(600);
    expect(pauseAfter(1, 10 ** 9)).toBe(21_600);
    expect(pauseAfter(10, 5)).toBeGreaterThan(10_000);
  });
});
