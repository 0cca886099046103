import { type DockerRegistry, startDockerRegistry } from '../test/support/docker-registry.ts';
import { interruptible } from './interruption.ts';

/**
 * A `docker-registry` that is also stopped, and its data removed, when the bench is interrupted.
 */
export function startBenchRegistry(): Promise<DockerRegistry> {
  return interruptible(() => startDockerRegistry());
}
