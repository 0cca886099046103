import {
  type Alias,
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  visit,
} from 'yaml';
import type { YamlPart } from './stream.ts';

/** A key and its value in a map. */
export interface Entry {
  key: string;
  keyNode: Scalar;
  /** As it stands in the map; aliases are not followed. */
  value: Node;
  /** Whether it comes from a merge key, and so stands elsewhere. */
  inherited: boolean;
}

/**
 * One document as programs read it: aliases and merge keys are followed, and each node is visited
 * once for a purpose, however many aliases lead to it, so that neither cycles nor aliases of
 * aliases cost more than the text is long.
 */
export class YamlView {
  readonly part: YamlPart;
  readonly document: Document.Parsed;
  readonly #visited = new Map<string, Set<Node>>();
  readonly #entries = new Map<Node, Entry[]>();
  #anchors: Anchors | undefined;

  constructor(part: YamlPart, document: Document.Parsed) {
    this.part = part;
    this.document = document;
  }

  get root(): Node | undefined {
    return this.document.contents ?? undefined;
  }

  /** What a node means: an alias is what its anchor names. */
  target(node: unknown): Node | undefined {
    if (isAlias(node)) return this.anchors.targets.get(node);
    return isScalar(node) || isCollection(node) ? node : undefined;
  }

  /** What is known of anchors and aliases. */
  get anchors(): Anchors {
    this.#anchors ??= readAnchors(this.document);
    return this.#anchors;
  }

  /** The entries of a map with those of its merge keys; none for anything else. */
  entries(node: unknown): Entry[] {
    const map = this.target(node);
    if (!isMap(map)) return [];
    const known = this.#entries.get(map);
    if (known) return known;
    // A map that merges itself, over however many aliases, inherits nothing from itself.
    this.#entries.set(map, []);
    const own: Entry[] = [];
    const names = new Set<string>();
    const sources: Node[] = [];
    for (const pair of map.items as Pair<unknown, unknown>[]) {
      const keyNode = this.target(pair.key);
      if (!isScalar(keyNode) || !isNode(pair.value)) continue;
      const key = String(keyNode.value);
      if (key === '<<') sources.push(...this.#merged(pair.value));
      else own.push({ key, keyNode, value: pair.value, inherited: false });
      names.add(key);
    }
    for (const entry of sources.flatMap((source) => this.entries(source))) {
      // What a map has itself wins over what it merges, and earlier sources win over later ones.
      if (names.has(entry.key)) continue;
      names.add(entry.key);
      own.push({ ...entry, inherited: true });
    }
    this.#entries.set(map, own);
    return own;
  }

  /** https://yaml.org/type/merge.html: a map, or a list of maps. */
  #merged(value: Node): Node[] {
    const source = this.target(value);
    return isSeq(source) ? source.items.filter(isNode) : [value];
  }

  /** The value of a key; the last one if there are several. */
  get(node: unknown, key: string): Node | undefined {
    return this.entries(node).findLast((entry) => entry.key === key)?.value;
  }

  /** The items of a list; none for anything else. */
  items(node: unknown): Node[] {
    const list = this.target(node);
    return isSeq(list) ? list.items.filter(isNode) : [];
  }

  /** The text of a scalar, or undefined for anything else. */
  text(node: unknown): string | undefined {
    const scalar = this.target(node);
    return isScalar(scalar) ? String(scalar.value ?? '') : undefined;
  }

  /** Whether a node is looked at for a purpose for the first time. */
  once(node: unknown, purpose: string): boolean {
    const target = this.target(node);
    if (target === undefined) return false;
    const seen = this.#visited.get(purpose) ?? new Set();
    this.#visited.set(purpose, seen);
    if (seen.has(target)) return false;
    seen.add(target);
    return true;
  }

  /** Where a node begins in the whole text. */
  start(node: Node): number {
    return this.part.at(node.range?.[0] ?? 0);
  }
}

interface Anchors {
  targets: ReadonlyMap<Alias, Node>;
  /**
   * The scalars below a top-level key that no program reads itself, such as Compose’s `x-image`.
   */
  templates: ReadonlySet<Node>;
}

function readAnchors(document: Document.Parsed): Anchors {
  const named = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  const templates = new Set<Node>();
  visit(document, {
    Node(_key, node, path) {
      if (isAlias(node)) {
        const target = named.get(node.source);
        if (target) targets.set(node, target);
        return;
      }
      if (!isNode(node) || !(isScalar(node) || isCollection(node)) || node.anchor === undefined) return;
      named.set(node.anchor, node);
      const top = path.find(isPair);
      if (isPair(top) && isScalar(top.key) && isTemplateKey(top.key)) templates.add(node);
    },
  });
  return { targets, templates };
}

/** https://github.com/compose-spec/compose-spec/blob/main/11-extension.md */
function isTemplateKey(key: Scalar): boolean {
  return /^(x-|\.)/.test(String(key.value));
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isCollection(value) || isAlias(value);
}
