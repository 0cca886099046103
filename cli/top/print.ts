import type { Job } from '../api/client.ts';
import { type Reading, shownTexts } from './read.ts';
import { heardAt, stateOf } from './upstream-lines.ts';

type Pairs = Record<string, string | number | boolean | undefined>;

/**
 * A reading as lines for scripts. Each begins with its kind; `message` is the last pair, since it
 * alone has spaces.
 */
export function plainLines(api: string, reading: Reading): string[] {
  const { status, copying, waiting, failed, savings } = shownTexts(reading);
  const { queued, planned, complete, ...counts } = status.jobs;
  return [
    line('deployment', shownTexts(api), { version: status.version }),
    line('jobs', undefined, {
      copying: counts.copying,
      queued,
      waiting: counts.waiting,
      planned,
      failed: counts.failed?.count,
      since: counts.failed?.since,
      complete,
    }),
    ...(savings === undefined
      ? []
      : [
          line('savings', savings.day, {
            images: savings.images,
            copied: savings.copied.bytes,
            mounted: savings.mounted.bytes,
            present: savings.present.bytes,
          }),
        ]),
    ...status.upstreams.map((upstream) =>
      line('upstream', upstream.registry, {
        state: stateOf(upstream),
        until: upstream.closedUntil,
        since: upstream.down?.since,
        heard: heardAt(upstream),
        lag: upstream.lag?.medianMs,
        maxlag: upstream.lag?.maxMs,
        repositories: upstream.reconcile?.repositories,
        message: upstream.down?.reason,
      }),
    ),
    ...copying.map((job) =>
      jobLine('copying', job, { bytes: job.progress?.bytes, total: job.progress?.totalBytes }),
    ),
    ...waiting.map((job) => jobLine('waiting', job, { until: job.notBefore })),
    ...failed.map((job) => jobLine('failed', job, { at: job.finishedAt })),
  ];
}

function jobLine(kind: string, { id, image, error }: Job, more: Pairs): string {
  return line(kind, image, { job: id, ...more, code: error?.code, message: error?.message });
}

function line(kind: string, name: string | undefined, pairs: Pairs): string {
  const given = Object.entries(pairs).filter(([, value]) => value !== undefined);
  const texts = given.map(([key, value]) => `${key}=${key === 'message' ? value : oneWord(`${value}`)}`);
  return [kind, ...(name === undefined ? [] : [oneWord(name)]), ...texts].join(' ');
}

/** Without spaces, which separate the columns. */
function oneWord(text: string): string {
  return text.replace(/\s+/g, '_');
}
