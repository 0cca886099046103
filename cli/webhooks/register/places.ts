import { compileGlob } from '../../../core/policy/glob.ts';
import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';
import { UsageError } from '../../shared/usage-error.ts';

const wildcard = /[*?]/;

/** The first components of the rules' patterns, each once: organisations, owners, projects. */
export function ownersOf(webhook: PresentedWebhook): string[] {
  return [...new Set(webhook.repositories.map((pattern) => ownerOf(pattern, webhook)))];
}

/**
 * The repositories that the rules name. A pattern with a wildcard below its first component stands
 * for the repositories of that namespace that match.
 *
 * @param list all repositories of a namespace, as `namespace/name`
 */
export async function repositoriesOf(
  webhook: PresentedWebhook,
  list: (namespace: string) => Promise<string[]>,
): Promise<string[]> {
  const found = new Set<string>();
  const listed = new Map<string, string[]>();
  for (const pattern of webhook.repositories) {
    if (!wildcard.test(pattern)) found.add(pattern);
    else {
      const owner = ownerOf(pattern, webhook);
      const known = listed.get(owner) ?? (await list(owner));
      listed.set(owner, known);
      for (const name of known.filter(compileGlob(pattern, 'repository'))) found.add(name);
    }
  }
  if (found.size > 0) return [...found];
  throw new UsageError(
    `${webhook.name}: no repository of ${[...listed.keys()].join(', ')} matches its rules: name one with --at NAMESPACE/REPOSITORY`,
  );
}

function ownerOf(pattern: string, { name }: PresentedWebhook): string {
  const [owner = ''] = pattern.split('/');
  if (!wildcard.test(owner)) return owner;
  throw new UsageError(
    `${name}: the rule ${pattern} does not say whose repositories are meant: name the place with --at`,
  );
}

/**
 * The repository's name at the upstream, from the webhook's options: for upstreams whose image
 * references don't contain it.
 */
export function configuredRepository({ options: { repository } }: PresentedWebhook): string | undefined {
  return typeof repository === 'string' && repository !== '' ? repository : undefined;
}
