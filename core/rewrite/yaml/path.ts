import type { Node } from 'yaml';
import type { YamlView } from './view.ts';

/**
 * The steps to values in a document: a key, `*` for each value of a map, `[]` for each list item.
 */
export type Path = readonly string[];

/** A text is not a path. */
export class InvalidPathError extends Error {
  override readonly name = 'InvalidPathError';
}

/**
 * Reads a path such as `spec.template.spec.containers[].image`; `[*]` is `[]`. A key with dots goes
 * into quotes: `spec."a.b".image`.
 *
 * @throws InvalidPathError
 */
export function parsePath(text: string): Path {
  const steps: string[] = [];
  const pattern = /(?:^|\.)(?:"([^"]+)"|([^."[\]]+))|\[\*?\]/y;
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (!match) break;
    steps.push(match[1] ?? match[2] ?? '[]');
    if (pattern.lastIndex === text.length) return steps;
  }
  throw new InvalidPathError(
    `${JSON.stringify(text)} is not a path such as spec.template.spec.containers[].image`,
  );
}

/** The nodes at a path. */
export function follow(view: YamlView, from: Node | undefined, path: Path): Node[] {
  let nodes: Node[] = from === undefined ? [] : [from];
  for (const [index, step] of path.entries()) {
    const purpose = `${index} of ${path.join(' ')}`;
    nodes = nodes.filter((node) => view.once(node, purpose)).flatMap((node) => next(view, node, step));
  }
  return nodes;
}

function next(view: YamlView, node: Node, step: string): Node[] {
  if (step === '[]') return view.items(node);
  if (step === '*') return view.entries(node).map(({ value }) => value);
  const value = view.get(node, step);
  return value === undefined ? [] : [value];
}
