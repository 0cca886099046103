import { StorageCount } from '../../core/reconcile/storage.ts';
import { tagApiOf } from '../../core/registry/listings/choose.ts';
import { InterruptedError } from '../copy/side-by-side.ts';
import { onInterrupt } from '../shared/interruption.ts';
import { readConfig } from '../shared/read-config.ts';
import { explainer } from '../sync/explain.ts';
import { findImages } from '../sync/find-images.ts';
import { openUpstreams } from '../sync/upstreams.ts';
import { lineWidth } from '../terminal/wrap.ts';
import { RequestCounter } from './count-requests.ts';
import type { PlanFlags } from './flags.ts';
import { openMirror, type PlanMirror } from './mirror.ts';
import { planProgress, silentProgress } from './progress.ts';
import { readImages } from './read-images.ts';
import { formatPlanReport, type PlanReport } from './report.ts';
import { resultsOf } from './results.ts';

/**
 * `drayage plan`: what the configuration would mirror, and what that costs.
 *
 * @throws CommandError for files and settings that can't be used; Error if something could not be
 *   counted, after the rest was told
 */
export async function runPlan(flags: PlanFlags): Promise<void> {
  const started = Date.now();
  const config = readConfig(flags.config);
  const interrupt = new AbortController();
  const { signal } = interrupt;
  const release = onInterrupt(() => interrupt.abort(new Error('interrupted')));
  const requests = new RequestCounter();
  const upstreams = openUpstreams(config, flags, signal, (upstream) => ({
    tagApi: tagApiOf(upstream),
    onRequest: requests.of(upstream.registry),
  }));
  const progress = flags.json && !process.stderr.isTTY ? silentProgress : planProgress(process.stderr);
  let mirror: PlanMirror | undefined;
  try {
    mirror = await openMirror(config, flags, signal);
    const explain = explainer({ secrets: flags.secrets !== undefined });
    const { tell } = progress;
    const found = await findImages(config, upstreams, mirror, explain, signal, (done, all) =>
      tell(done, all, 'lists of tags read'),
    );
    const storage = new StorageCount();
    const read = await readImages(found.images, { upstreams, mirror, explain, signal, storage, tell });
    const { unasked, to } = mirror;
    const report: PlanReport = {
      ...(to !== undefined && { to }),
      regions: config.mirror.regions,
      ...resultsOf(found, read, storage),
      requests: requests.all(),
      notes: [...found.notes, ...(unasked === undefined ? [] : [unasked])],
      durationMs: Date.now() - started,
    };
    progress.stop();
    const { stdout } = process;
    stdout.write(flags.json ? `${JSON.stringify(report)}\n` : formatPlanReport(report, lineWidth(stdout)));
    fail(report);
  } catch (error) {
    if (error instanceof InterruptedError) throw new Error('interrupted', { cause: error });
    throw error;
  } finally {
    progress.stop();
    release();
    await Promise.all(
      [...upstreams.values(), ...(mirror?.client ? [mirror.client] : [])].map((each) => each.close()),
    );
  }
}

/** So many failures are told one by one. */
const mostTold = 10;

/** @throws Error unless all was counted */
function fail({ failures, skipped }: PlanReport): void {
  if (failures.length + skipped === 0) return;
  const told = failures.slice(0, mostTold);
  const rest = failures.length - told.length;
  throw new Error(
    [
      `not everything could be read; what is left out of the figures (${failures.length + skipped}):`,
      ...told.flatMap(({ image, error: { message, remedy } }) => [
        `  ${image}: ${message}`,
        ...(remedy === undefined ? [] : [`    ${remedy}`]),
      ]),
      ...(rest > 0 ? [`  ${rest} more failed`] : []),
      ...(skipped > 0 ? [`  ${skipped} not tried, since others failed for a reason that they share`] : []),
    ].join('\n'),
  );
}
