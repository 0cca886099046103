import { stringify } from 'yaml';
import { commentOf } from '../quote.ts';

/** An object of Kubernetes, with what is to be said about it. */
export interface Manifest {
  /** Lines of a comment above it, without `#`. */
  comment?: string;
  object: object;
}

/** The text of a stream of objects. A text of several lines is printed line by line. */
export function printManifests(head: string, manifests: readonly Manifest[]): string {
  const documents = manifests.map(({ comment, object }) => {
    const text = stringify(object, { lineWidth: 0, aliasDuplicateObjects: false });
    return `---\n${comment === undefined ? '' : commentOf(comment)}${text}`;
  });
  return `${commentOf(head)}${documents.join('')}`;
}
