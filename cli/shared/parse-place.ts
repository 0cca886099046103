import { InvalidArgumentError } from 'commander';
import { InvalidReferenceError, parseReference } from '../../core/oci/reference.ts';
import type { Place } from '../sync/flags.ts';

/** What stands below a place to see whether it can hold images. */
const example = 'a/b';

/**
 * Parses what `--to` names.
 *
 * @throws InvalidArgumentError
 */
export function parsePlace(text: string): Place {
  const written = text.replace(/\/+$/, '');
  try {
    const { registry, repository } = parseReference(`${written}/${example}`);
    if (written === registry) return { registry };
    if (written.startsWith(`${registry}/`))
      return { registry, prefix: repository.slice(0, -`/${example}`.length) };
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
  }
  throw new InvalidArgumentError(
    'write a registry, and what repositories begin with there, without scheme and tag: registry.example:5000/mirror',
  );
}
