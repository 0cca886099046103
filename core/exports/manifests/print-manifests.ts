import { stringify } from 'yaml';

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
    return `---\n${comment === undefined ? '' : commented(comment)}${text}`;
  });
  return `${commented(head)}${documents.join('')}`;
}

function commented(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('');
}
