import type { LayerDependencies } from '../../core/jobs/layers/layer-job.ts';
import type { ProcessDependencies } from '../../core/jobs/process-message.ts';
import type { CopyDeployment } from './copy-deployment.ts';
import { logger } from './telemetry.ts';

/** What mirror jobs and layer jobs have in common. Layers need no verifier in their bundle. */
type CopyDependencies = Omit<ProcessDependencies, 'verifyImage' | 'awaited'> & LayerDependencies;

/**
 * The dependencies of a mirror job or a layer job in one invocation. The mirror function adds its
 * `fanOut`, and how it verifies.
 *
 * @param endsAt when the invocation times out, in milliseconds since 1970
 */
export function copyDependencies(deployment: CopyDeployment, endsAt: number): CopyDependencies {
  return {
    config: deployment.config,
    mappings: deployment.mappings,
    jobs: deployment.jobs,
    queue: deployment.queue,
    layerQueue: deployment.layerQueue,
    leases: deployment.layerLeases,
    layerIndex: deployment.layerIndex,
    gate: deployment.upstreamGate,
    notifier: deployment.notifier,
    timeLimit: { endsAt, speed: deployment.streamSpeed },
    openUpstream: (upstream, repository) => deployment.upstreams.open(upstream, repository),
    openMirror: (repository, options) => deployment.mirror.open(repository, options),
    now: () => new Date(),
    warn: (text, error) => logger.warn(text, { error: error as Error }),
  };
}
