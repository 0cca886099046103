import { describe, expect, it } from 'vitest';
import { type BeforeLook, newerJob, whoLooks } from '../../../../core/jobs/mirror/defer-look.ts';
import { type JobRecord, newJob } from '../../../../core/jobs/record.ts';
import type { MappingRecord } from '../../../../core/mapping/record.ts';
import type { TagState } from '../../../../core/mapping/store.ts';
import { type Digest, digestOf } from '../../../../core/oci/digest.ts';
import { mappingOf } from './records.ts';

const [mapped, pushed]: [Digest, Digest] = [digestOf(Buffer.from('a')), digestOf(Buffer.from('b'))];
const now = new Date('2026-04-01T12:00:00.000Z');
const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();

const job = (event: number, more: Partial<JobRecord> = {}): JobRecord => ({
  ...newJob({
    id: `job${event}`,
    key: { registry: 'docker.io', repository: 'library/nginx', reference: '1.27' },
    event,
    trigger: 'webhook',
    receivedAt: ago(0),
  }),
  attempts: 1,
  ...more,
});
/** The job of a newer event, as it waits behind the one that runs. */
const newest = (more: Partial<JobRecord> = {}) => job(9, { attempts: 0, ...more });

/**
 * A tag that was mapped an hour ago. A look a second ago found nothing new, and event 9 is the last
 * one.
 */
const known = (
  changes: { tag?: Partial<TagState>; mapping?: Partial<MappingRecord> } & Partial<
    Omit<BeforeLook, 'tag'>
  > = {},
): BeforeLook => {
  const { tag, mapping, ...more } = changes;
  const times = { mirroredAt: ago(3_600_000), observedAt: ago(1_000) };
  return {
    tag: {
      events: 9,
      lastJob: 'job9',
      resolves: 3,
      fence: 3,
      revision: 1,
      committed: { event: 4, resolve: 3, fingerprint: 'policy', sourceDigest: mapped },
      mapping: mappingOf('a', { ...times, ...mapping }),
      ...tag,
    },
    fingerprint: 'policy',
    repository: 'mirror/app',
    now,
    ...more,
  };
};

describe('who looks at the upstream', () => {
  it('a later look, if the event announces what is already mapped', () => {
    expect(whoLooks(job(5, { toldDigest: mapped }), known())).toBe('later-look');
    expect(newerJob(job(5, { toldDigest: mapped }), known())).toBeUndefined();
  });

  it('a newer job, if duplicates come one after the other', () => {
    expect(newerJob(job(5), known())).toBe('job9');
    expect(whoLooks(job(5), known(), newest())).toBe('newer-job');
    expect(whoLooks(job(5, { toldDigest: pushed }), known(), newest())).toBe('newer-job');
  });

  it.each<[string, JobRecord, BeforeLook]>([
    ['a job that no webhook made', job(5, { trigger: 'request' }), known()],
    ['a later look itself', job(5, { trigger: 'recheck' }), known()],
    ['a job that was attempted before', job(5, { attempts: 2 }), known()],
    ['a job that used up an invocation', job(5, { invocations: 1 }), known()],
    ['a job of a tag that is not mapped', job(5), known({ tag: { mapping: undefined } })],
    ['a job of a tag that was never committed', job(5), known({ tag: { committed: undefined } })],
    ['a job under another policy', job(5), known({ fingerprint: 'other' })],
    ['a job whose image now goes elsewhere', job(5), known({ repository: 'mirror/other' })],
    ['the newest job', job(9), known()],
    ['a job that does not count as the last, but has its number', job(9, { id: 'other' }), known()],
    ['a job for which nobody knows the last', job(5), known({ tag: { lastJob: undefined } })],
    [
      'the first job after a change',
      job(5),
      known({ mapping: { mirroredAt: ago(1_000), observedAt: ago(1_000) } }),
    ],
    ['a job long after the last look', job(5), known({ mapping: { observedAt: ago(60_001) } })],
  ])('%s looks itself', (_, each, state) => {
    expect(newerJob(each, state)).toBeUndefined();
    expect(whoLooks(each, state, newest())).toBe('this-job');
  });

  it.each<[string, JobRecord | undefined]>([
    ['was never recorded', undefined],
    ['runs already', newest({ state: 'copying' })],
    ['waits', newest({ state: 'waiting' })],
    ['is done', newest({ state: 'committed' })],
    ['will leave the look itself', newest({ toldDigest: mapped })],
    ['has an older event', newest({ event: 5 })],
    ['is not the newest', newest({ id: 'other' })],
  ])('this job looks, if the newer one %s', (_, other) => {
    expect(whoLooks(job(5), known(), other)).toBe('this-job');
  });
});
