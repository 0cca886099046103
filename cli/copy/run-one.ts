import { formatReference } from '../../core/oci/reference.ts';
import { lineWidth } from '../terminal/wrap.ts';
import type { CopyContext, ImagePair } from './context.ts';
import { copyPair } from './copy-pair.ts';
import { dryRun, formatPlan } from './dry-run.ts';
import { explainFailure } from './explain.ts';
import { missingReferrers } from './image-referrers.ts';
import type { CopyOutput } from './output.ts';
import { formatReport } from './report.ts';

/** Copies one image and tells its report, or only what that would be. */
export async function runOne(
  pair: ImagePair,
  context: CopyContext,
  output: CopyOutput,
  dry: boolean,
): Promise<void> {
  if (dry) {
    const report = await dryRun(pair, context);
    output.result(report, formatPlan(report, lineWidth(process.stdout)));
    return;
  }
  const started = Date.now();
  const names = { source: formatReference(pair.src), destination: formatReference(pair.dst) };
  const done = (copied: number, equal: number, failed: number) =>
    output.event({ event: 'done', copied, equal, failed, skipped: 0, durationMs: Date.now() - started });
  let missing: string[];
  try {
    const { report, equal } = await copyPair(pair, context, output.watcher());
    const { digest, transfer, foreign, referrers, durationMs } = report;
    const outcome = equal ? 'equal' : 'copied';
    output.event({
      event: 'image',
      ...names,
      digest,
      outcome,
      transfer,
      ...(foreign && { foreign }),
      ...(referrers && { referrers }),
      durationMs,
    });
    done(equal ? 0 : 1, equal ? 1 : 0, 0);
    output.result(report, formatReport(report));
    missing = missingReferrers(referrers);
  } catch (error) {
    output.event({ event: 'failed', ...names, error: explainFailure(error) });
    done(0, 0, 1);
    throw error;
  }
  if (missing.length > 0)
    throw new Error(`${names.destination} is there, not all that refers to it: ${missing.join('; ')}`);
}
