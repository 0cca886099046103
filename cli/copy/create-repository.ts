import type { Reference } from '../../core/oci/reference.ts';
import { ecrOf } from '../logins/aws-login.ts';
import { UsageError } from '../shared/usage-error.ts';

/**
 * Returns what creates a destination's repository, once, when something is first written to it: for
 * Amazon ECR, which does not do so by itself.
 *
 * @throws UsageError for any other registry
 */
export function repositoryCreator(
  { registry, repository }: Reference,
  signal: AbortSignal,
): () => Promise<void> {
  const host = ecrOf(registry, process.env);
  if (!host) {
    throw new UsageError(
      `--create-repository is for Amazon ECR, and ${registry} is not an ECR registry: leave it out, since other registries create a repository with its first image`,
    );
  }
  let created: Promise<void> | undefined;
  return () => {
    created ??= import('../../core/aws/ecr/login.ts').then(({ createEcrRepository }) =>
      createEcrRepository(host, repository, { signal }),
    );
    return created;
  };
}
