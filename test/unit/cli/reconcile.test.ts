import { describe, expect, it } from 'vitest';
import { describeDryRun, describeUpstream } from '../../../cli/reconcile/describe.ts';
import { describeStatus } from '../../../cli/status/describe.ts';
import { addToReport, emptyReport } from '../../../core/reconcile/dry-run/report.ts';
import type { ReconcileStatus, Status } from '../../../lambda/api/status.ts';

const now = new Date('2026-04-01T12:00:00.000Z');
const error = { code: 'DENIED', message: 'not for you' };
const failing = [{ repository: 'acme/old', error, failures: 3, dueAt: '2026-04-01T13:00:00.000Z' }];

describe('a dry run in words', () => {
  const report = () => ({ ...emptyReport({ registry: 'ghcr.io' }, now), repositories: 2 });

  it('says when there is nothing to do', () => {
    const nothing = report();
    addToReport(nothing, []);
    expect(describeDryRun(nothing, 100)).toEqual(['ghcr.io: 1 repository compared, nothing would be done']);
  });

  it('names what would be done and why, what is left out, and what could not be compared', () => {
    const some = report();
    addToReport(some, [
      { action: 'mend', repository: 'acme/app', tag: '1.0', why: 'untagged' },
      { action: 'set', repository: 'acme/app', why: 'lifecycle' },
    ]);
    some.counts.queue += 7;
    some.compared += 1;
    some.failed.push({ repository: 'acme/old', ...error }, { repository: '', ...error });
    expect(describeDryRun(some, 100)).toEqual([
      'ghcr.io: 1 repository compared, 7 would be queued, 1 would be unmapped and queued, 1 setting would be corrected',
      'IMAGE                 WOULD         WHY',
      'ghcr.io/acme/app:1.0  unmap, queue  the mirror has lost the tag',
      'ghcr.io/acme/app      correct       the setting lifecycle differs',
      'and 7 more',
      'ghcr.io/acme/old could not be compared: not for you',
      'ghcr.io could not be compared: not for you',
    ]);
  });
});

describe('comparisons in words', () => {
  const reconcile: ReconcileStatus = {
    repositories: 12,
    isSearchDue: false,
    due: 0,
    failing,
    complete: true,
  };

  it('name what failed, and a list that is missing', () => {
    expect(describeUpstream('ghcr.io', { ...reconcile, unlisted: { ...error, temporary: true } })[1]).toMatch(
      /^ghcr.io could not list its repositories: /,
    );
    expect(describeUpstream('ghcr.io', { ...reconcile, unlisted: error })).toEqual([
      'ghcr.io  compared: 12 repositories, except 1',
      'ghcr.io does not list its repositories: not for you',
      'ghcr.io/acme/old could not be compared: not for you',
    ]);
  });

  it('are part of the status, if the deployment tells of them', () => {
    const status = (upstreams: Status['upstreams']): Status => ({
      version: '1.0.0',
      caller: 'operator',
      regions: [],
      registries: {},
      jobs: {
        queued: 0,
        waiting: 0,
        planned: 0,
        copying: 0,
        failed: { count: 0, since: now.toISOString() },
        complete: true,
      },
      upstreams,
    });
    const lines = (of: Partial<ReconcileStatus>) =>
      describeStatus(
        status([{ registry: 'ghcr.io', webhooks: [], reconcile: { ...reconcile, ...of } }]),
        'https://api.example',
        {} as NodeJS.WriteStream,
        now,
      ).slice(-2);
    const two = [...failing, ...failing];
    const [heading, row] = lines({ finishedAt: '2026-04-01T10:00:00.000Z', failing: two });
    expect(heading).toMatch(/^UPSTREAM +REPOSITORIES +COMPARED +NEXT +NOTE$/);
    expect(row).toMatch(/^ghcr\.io +12 {2}2 h ago +on request +acme\/old and 1 more failed: not for you$/);
    expect(lines({ due: 500, complete: false, failing: [] })[1]).toMatch(
      /^ghcr\.io +12 {2}not yet +500\+ due$/,
    );
    const older = { registry: 'ghcr.io', webhooks: [] } as unknown as Status['upstreams'][number];
    const text = describeStatus(status([older]), '', {} as NodeJS.WriteStream, now).join('\n');
    expect(text).not.toContain('COMPARED');
  });
});
