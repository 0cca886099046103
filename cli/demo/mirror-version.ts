import type { JobProgress } from '../../core/jobs/record.ts';
import type { LocalWebhook } from '../../local/webhooks.ts';
import { counted, formatDuration } from '../shared/format.ts';
import { createProgressBar, type ProgressBar } from '../terminal/progress-bar.ts';
import { blobsOf, checkRequests, checkTransfer } from './checks.ts';
import { dim, namesOf } from './describe.ts';
import type { Environment } from './environment.ts';
import { ensure } from './facts.ts';
import { followToCommit } from './follow-job.ts';
import { type BuiltImage, image } from './image.ts';
import type { ImageBlob } from './layer.ts';
import { indent, type ScreenStream, type Step } from './screen.ts';
import type { Mirrored } from './summary.ts';
import { sendWebhook } from './webhook.ts';

/** A version that was pushed. */
export interface PushedVersion {
  built: BuiltImage;
  /** The blobs that the mirror lacks. */
  missing: ImageBlob[];
}

/** What the demo needs to show it. */
export interface MirrorVersionOptions {
  environment: Environment;
  step: Step;
  /** Where the progress bar is drawn. */
  stream: ScreenStream;
  signal: AbortSignal;
}

/**
 * Sends the webhook for a version that was pushed, follows its job to the end, and checks that only
 * the missing blobs were copied.
 */
export async function mirrorVersion(
  { built, missing }: PushedVersion,
  { environment: { upstream, stack }, step, stream, signal }: MirrorVersionOptions,
): Promise<Mirrored> {
  upstream.clearRequests();
  const started = performance.now();
  const push = { ...image, tag: built.tag, manifest: built.manifest };
  const id = await sendWebhook(githubWebhook(stack.ready.webhooks), push, signal);
  step.live();
  step.rows([[dim('202 accepted'), `in ${formatDuration(performance.now() - started)}, job ${id}`]]);

  const follower = progressFollower(stream);
  const job = await followToCommit(stack.ready.api, id, follower.onProgress, signal).finally(follower.stop);
  ensure(job.lagMs !== undefined, `job ${id} does not say how long it took`);
  checkTransfer(job, built, missing);
  const asked = checkRequests(upstream.requests, missing);
  const present = blobsOf(built).filter((blob) => !missing.includes(blob));
  step.rows([
    [dim('copied'), namesOf(missing)],
    [dim('present'), namesOf(present)],
    [
      dim('upstream'),
      `was asked for ${counted(asked.manifests, 'manifest')} and ${counted(asked.blobs, 'blob')}`,
    ],
    [{ text: job.state, style: 'green' }, `${formatDuration(job.lagMs)} after the webhook`],
  ]);
  return { built, job, durationMs: job.lagMs };
}

function githubWebhook({ github }: Record<string, LocalWebhook>): LocalWebhook {
  ensure(github !== undefined, 'the local stack has no webhook named github');
  return github;
}

/** A bar that appears with the first progress that a job reports. */
function progressFollower(stream: ScreenStream): { onProgress(progress: JobProgress): void; stop(): void } {
  let bar: ProgressBar | undefined;
  return {
    onProgress({ bytes, totalBytes }) {
      bar ??= createProgressBar(stream, { label: `${indent}copying`, total: totalBytes });
      bar.update(bytes);
    },
    stop: () => bar?.stop(),
  };
}
