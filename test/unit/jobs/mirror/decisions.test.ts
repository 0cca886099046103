import { describe, expect, it } from 'vitest';
import type { RepositoryRule } from '../../../../core/config/config.ts';
import {
  contradicts,
  isSatisfied,
  mappedAlready,
  mayBeStale,
  willTravel,
} from '../../../../core/jobs/mirror/decisions.ts';
import { type JobRecord, newJob } from '../../../../core/jobs/record.ts';
import type { TagState } from '../../../../core/mapping/store.ts';
import { digestOf } from '../../../../core/oci/digest.ts';
import { mappingOf } from './records.ts';

const [mapped, pushed] = [digestOf(Buffer.from('a')), digestOf(Buffer.from('b'))];
const key = { registry: 'docker.io', repository: 'library/nginx', reference: '1.27' };
const rule: RepositoryRule = {
  match: 'library/nginx',
  tags: { include: ['*'], exclude: [] },
  referrers: true,
  deleted: 'keep',
};
const place = { fingerprint: 'policy', repository: 'mirror/app', rule };

const job = (event: number, more: Partial<JobRecord> = {}): JobRecord => ({
  ...newJob({ id: 'job', key, event, trigger: 'webhook', receivedAt: '2026-04-01T12:00:00.000Z' }),
  attempts: 1,
  ...more,
});
/** A tag with four events; its last committed look knew of all of them. */
const tag = (more: Partial<TagState> = {}): TagState => ({
  events: 4,
  resolves: 3,
  fence: 3,
  revision: 1,
  committed: { event: 4, resolve: 3, fingerprint: 'policy', sourceDigest: mapped },
  mapping: mappingOf('a'),
  ...more,
});

describe('a job is satisfied', () => {
  const satisfied = (each: JobRecord, known = tag(), fingerprint = 'policy') =>
    isSatisfied({ job: each, fingerprint }, known);

  it('by a committed look that began after its event', () => {
    expect(satisfied(job(3))).toBe(true);
    expect(satisfied(job(4))).toBe(true);
    expect(satisfied(job(4, { trigger: 'request' }))).toBe(true);
  });

  it.each<[string, boolean]>([
    ['its event is newer', satisfied(job(5))],
    ['nothing was committed', satisfied(job(1), tag({ committed: undefined }))],
    ['the policy was another one', satisfied(job(4), tag(), 'other')],
    ['it is a later look, which always looks', satisfied(job(4, { trigger: 'recheck' }))],
    ['it may have moved the tag in an earlier attempt', satisfied(job(4, { attempts: 2 }))],
    ['it may have moved the tag in an earlier invocation', satisfied(job(4, { invocations: 1 }))],
  ])('not if %s', (_, is) => {
    expect(is).toBe(false);
  });
});

describe('what the upstream shows', () => {
  it('is already mapped if content, policy and place are the same', () => {
    expect(mappedAlready({ digest: mapped }, place, tag())).toEqual(mappingOf('a'));
  });

  it.each([
    ['content', { digest: pushed }, place, tag()],
    ['policy', { digest: mapped }, { ...place, fingerprint: 'other' }, tag()],
    ['place', { digest: mapped }, { ...place, repository: 'mirror/other' }, tag()],
    ['nothing mapped', { digest: mapped }, place, tag({ mapping: undefined })],
    ['nothing committed', { digest: mapped }, place, tag({ committed: undefined })],
  ])('is new with another %s', (_, root, work, known) => {
    expect(mappedAlready(root, work, known)).toBeUndefined();
  });
});

describe('blobs will likely travel', () => {
  it.each<[string, boolean, boolean]>([
    ['of a tag that is not mapped', willTravel(job(1), tag({ mapping: undefined })), true],
    ['after a push', willTravel(job(5), tag()), true],
    ['after a first push', willTravel(job(1), tag({ committed: undefined })), true],
    ['after a push that was looked for', willTravel(job(4), tag()), false],
    ['when somebody asks', willTravel(job(5, { trigger: 'request' }), tag()), false],
    ['at a later look', willTravel(job(5, { trigger: 'recheck' }), tag()), false],
  ])('%s: %s', (_, travels, expected) => {
    expect(travels).toBe(expected);
  });
});

describe('the upstream’s answer may be old', () => {
  const seen = (root = pushed, known: TagState | undefined = tag(), begun = tag({ events: 5 })) => ({
    root: { digest: root },
    known,
    begun,
  });

  it.each<[string, boolean, boolean]>([
    ['if a push shows what is new', mayBeStale(job(5), seen()), false],
    ['if a push shows what is mapped', mayBeStale(job(5), seen(mapped)), true],
    ['if a request shows what is mapped', mayBeStale(job(5, { trigger: 'request' }), seen(mapped)), false],
    [
      'if the look counts for a newer event',
      mayBeStale(job(5), seen(pushed, tag(), tag({ events: 6 }))),
      true,
    ],
    [
      'if the look counts for an earlier event, too',
      mayBeStale(job(6), seen(pushed, tag(), tag({ events: 6 }))),
      true,
    ],
    [
      'if newer events were committed before',
      mayBeStale(job(3, { trigger: 'recheck' }), seen(pushed, tag(), tag({ events: 4 }))),
      false,
    ],
    ['if nothing was known', mayBeStale(job(5), { ...seen(), known: undefined }), false],
    [
      'never if a digest was requested',
      mayBeStale(job(1, { key: { ...key, reference: mapped } }), seen(mapped)),
      false,
    ],
  ])('%s: %s', (_, stale, expected) => {
    expect(stale).toBe(expected);
  });
});

describe('two looks contradict each other', () => {
  const at = (observedAt: string, of = 'a') => ({ ...mappingOf(of), observedAt });
  const noon = at('2026-04-01T12:00:00.000Z');

  it('if they saw different images within a minute, in whichever order', () => {
    expect(contradicts(noon, at('2026-04-01T11:59:01.000Z', 'b'))).toBe(true);
    expect(contradicts(noon, at('2026-04-01T12:00:59.000Z', 'b'))).toBe(true);
  });

  it.each([
    ['more time is between them', at('2026-04-01T11:59:00.000Z', 'b')],
    ['they saw the same', at('2026-04-01T11:59:59.000Z')],
    [
      'the other one does not count: the tag is pinned',
      { ...at('2026-04-01T11:59:59.000Z', 'b'), pin: true },
    ],
    ['there was no other', undefined],
  ])('not if %s', (_, other) => {
    expect(contradicts(noon, other)).toBe(false);
  });
});
