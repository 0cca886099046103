import { type Document, isMap, type Node, visit } from 'yaml';
import { findInDockerfile } from './dockerfile/find.ts';
import { Finding, type Found } from './found.ts';
import { findInCompose } from './kinds/compose.ts';
import { findInGithubActions } from './kinds/github-actions.ts';
import { findInHelmValues } from './kinds/helm-values.ts';
import { findInKubernetes, type ImagePath } from './kinds/kubernetes.ts';
import { findInKustomization } from './kinds/kustomization.ts';
import type { FileKind } from './kinds.ts';
import type { Search } from './yaml/add-image.ts';
import { parseStream, type YamlPart } from './yaml/stream.ts';
import { YamlView } from './yaml/view.ts';

/** What else a text may contain. */
export interface FindOptions {
  /** Additional places in Kubernetes objects. */
  imagePaths?: readonly ImagePath[];
}

/**
 * Finds the image references in a text, and what takes their place but can't be looked up. Never
 * throws for a text: a document that can't be read is reported, and the others are searched.
 */
export function findImages(text: string, kind: FileKind, options: FindOptions = {}): Found {
  const finding = new Finding();
  if (kind === 'dockerfile') findInDockerfile(text, finding);
  else searchYaml(text, kind, options.imagePaths ?? [], finding);
  return finding.result();
}

function searchYaml(
  text: string,
  kind: Exclude<FileKind, 'dockerfile'>,
  imagePaths: readonly ImagePath[],
  finding: Finding,
): void {
  const isWanted = kind === 'kubernetes' && imagePaths.length === 0 ? mayLeadToImages : undefined;
  for (const part of parseStream(text, mention(kind, imagePaths), isWanted))
    for (const document of part.documents) {
      const problem = problemOf(part, document);
      if (problem) finding.fail({ ...problem, start: part.at(problem.start) });
      else searchDocument({ view: new YamlView(part, document), finding }, kind, imagePaths);
    }
}

function searchDocument(
  search: Search,
  kind: Exclude<FileKind, 'dockerfile'>,
  imagePaths: readonly ImagePath[],
): void {
  const root: Node | undefined = search.view.root;
  switch (kind) {
    case 'kubernetes':
      findInKubernetes(search, root, imagePaths);
      break;
    case 'kustomization':
      findInKustomization(search, root);
      break;
    case 'helm-values':
      findInHelmValues(search, root);
      break;
    case 'compose':
      findInCompose(search, root);
      break;
    case 'github-actions':
      findInGithubActions(search, root);
      break;
  }
}

/** Which documents may contain references; a key may be written with escapes. */
function mention(kind: FileKind, imagePaths: readonly ImagePath[]): (part: string) => boolean {
  if (kind !== 'kubernetes') return () => true;
  const kinds = imagePaths.map((each) => each.kind.replace(/\..*$/s, ''));
  return (part) => /image|\\[xuU]/i.test(part) || kinds.some((name) => part.includes(name));
}

/** Which keys have to be read: objects are named by their metadata. */
function mayLeadToImages(key: string, below: string): boolean {
  return key === 'metadata' || /image/i.test(key) || /image/i.test(below);
}

const template = 'this is a template and not YAML yet: render it first, for example with helm template';

function problemOf(
  { text }: YamlPart,
  document: Document.Parsed,
): { start: number; message: string } | undefined {
  const open = templateIn(text, document);
  if (open !== undefined) return { start: open, message: template };
  const [error] = document.errors;
  if (error === undefined) return undefined;
  const [start] = error.pos;
  // What stands before an error in the same line often is its cause.
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  const braces = line.indexOf('{{');
  if (braces >= 0) return { start: start - line.length + braces, message: template };
  return { start, message: `this is not YAML: ${error.message.replace(/\s+/g, ' ')}` };
}

/** Where an unquoted `{{` begins: YAML reads it as a map whose key is a map. */
function templateIn(text: string, document: Document.Parsed): number | undefined {
  if (!text.includes('{{')) return undefined;
  let found: number | undefined;
  visit(document, {
    Map(_key, node) {
      if (!isMap(node) || !node.flow || !node.range || !text.startsWith('{{', node.range[0])) return;
      found = node.range[0];
      return visit.BREAK;
    },
  });
  return found;
}
