import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, parseDocument } from 'yaml';

export type YamlPath = readonly (string | number)[];

/** A place in the text, both counted from 1. */
export interface Position {
  line: number;
  column: number;
}

/** A problem with the YAML itself, before anything is known about its meaning. */
export interface YamlProblem extends Position {
  path: YamlPath;
  message: string;
}

/** A YAML document as plain JSON values, with the place of each in the text. */
export interface YamlDocument {
  value: unknown;
  /** Where the value at a path begins; if there is none, the nearest enclosing value. */
  locate(path: YamlPath): Position;
  /** Where the key of a mapping is. */
  locateKey(path: YamlPath): Position;
  /** A scalar as it was written, without its quotes: `1.10` for the number 1.1. */
  source(path: YamlPath): string | undefined;
}

/**
 * With aliases resolved; a real configuration has a few hundred. Protects from "billion laughs".
 */
const maxValues = 50_000;
const maxDepth = 50;
const maxProblems = 100;

/**
 * Reads one YAML 1.2 document into plain JSON values. Aliases are resolved within bounds; duplicate
 * keys, keys that are not scalars, tags and several documents are refused. The problems come in the
 * text's order.
 */
export function readYaml(text: string): { document: YamlDocument; problems: YamlProblem[] } {
  // The library finds duplicate keys by comparing all pairs; the walk below does it in linear time.
  const parsed = parseDocument(text, { uniqueKeys: false, prettyErrors: false });
  const position = positionsIn(text);
  const problems: YamlProblem[] = [
    ...variables(text).map(({ at, name }) => ({
      path: [],
      message: `YAML: ${name} is not replaced: variables are not supported here; write the value, or generate the file with a tool such as envsubst`,
      ...position(at),
    })),
    ...[...parsed.errors, ...parsed.warnings].map((error) => ({
      path: [],
      message: `YAML: ${plainMessage(error.message)}`,
      ...position(error.pos[0]),
    })),
  ];
  const walk = new Walk(position, problems);
  // After a syntax error the tree is a guess, and errors about missing keys would only mislead.
  const value = problems.length === 0 ? walk.convert(parsed.contents, []) : undefined;
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { document: { value, ...walk.lookup() }, problems: problems.slice(0, maxProblems) };
}

/**
 * Computed from the text itself: the library's LineCounter misses lines after some syntax errors.
 */
function positionsIn(text: string): (offset: number) => Position {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    const end = Math.min(offset, text.length);
    let [low, high] = [0, starts.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= end) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: end - (starts[low] ?? 0) + 1 };
  };
}

/** `${NAME}` outside of comments. */
function variables(text: string): { at: number; name: string }[] {
  return [...text.matchAll(/\$\{[A-Za-z_]\w{0,60}\}/g)]
    .filter(({ index }) => !/(?:^|\s)#/.test(text.slice(text.lastIndexOf('\n', index) + 1, index)))
    .map(({ 0: name, index }) => ({ at: index, name }));
}

/**
 * The library's messages about several documents, nesting and unquoted patterns are meant for
 * programmers.
 */
function plainMessage(message: string): string {
  if (message.includes('multiple documents'))
    return 'the file has several documents; keep one, and remove the line ---';
  if (/call stack|Stack overflow/.test(message)) return 'values are nested too deeply';
  if (message.includes('Alias cannot be an empty string'))
    return 'a * without quotes is an alias; put a pattern in quotes: "*"';
  const plain = message.replace(/[.:\s]+$/, '');
  // Characters that a pattern can begin with, but that mean something else in YAML.
  return /^Unresolved tag|alias at node end|reserved character|^Unresolved alias/.test(plain)
    ? `${plain}; put a pattern in quotes`
    : plain;
}

interface Place {
  value?: Position;
  key?: Position;
  source?: string;
}

class Walk {
  readonly #position: (offset: number) => Position;
  readonly #problems: YamlProblem[];
  readonly #places = new Map<string, Place>();
  readonly #anchors = new Map<string, Node>();
  readonly #open = new Set<Node>();
  #values = 0;

  constructor(position: (offset: number) => Position, problems: YamlProblem[]) {
    this.#position = position;
    this.#problems = problems;
  }

  convert(node: Node | null, path: YamlPath): unknown {
    this.#values += 1;
    if (node === null) return null;
    if (this.#values > maxValues) {
      if (this.#values === maxValues + 1)
        this.#problem(node, path, `the document has more than ${maxValues} values, with aliases resolved`);
      return null;
    }
    if (isAlias(node)) return this.#alias(node, path);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    this.#place(path).value = this.#position(node.range?.[0] ?? 0);
    if (path.length > maxDepth) {
      this.#problem(node, path, `values are nested more than ${maxDepth} deep`);
      return null;
    }
    if (isScalar(node)) return this.#scalar(node, path);
    this.#open.add(node);
    const value = isSeq(node)
      ? node.items.map((item, index) => this.convert(item as Node | null, [...path, index]))
      : isMap(node)
        ? this.#mapping(node.items as Pair<Node | null, Node | null>[], path)
        : null;
    this.#open.delete(node);
    return value;
  }

  lookup(): Pick<YamlDocument, 'locate' | 'locateKey' | 'source'> {
    const locate = (path: YamlPath): Position => {
      for (let length = path.length; length >= 0; length -= 1) {
        const place = this.#places.get(placeKey(path.slice(0, length)));
        const found = place?.value ?? place?.key;
        if (found !== undefined) return found;
      }
      return { line: 1, column: 1 };
    };
    return {
      locate,
      locateKey: (path) => this.#places.get(placeKey(path))?.key ?? locate(path),
      source: (path) => this.#places.get(placeKey(path))?.source,
    };
  }

  #scalar(node: Node & { value: unknown; source?: string }, path: YamlPath): unknown {
    if (node.source !== undefined) this.#place(path).source = node.source;
    if (typeof node.value === 'number' && !Number.isFinite(node.value)) return String(node.value);
    if (node.value === null || ['string', 'number', 'boolean'].includes(typeof node.value)) return node.value;
    this.#problem(node, path, 'only text, numbers, true, false and null are values; leave the tag out');
    return null;
  }

  #mapping(items: Pair<Node | null, Node | null>[], path: YamlPath): Record<string, unknown> {
    // A null prototype would be visible in comparisons; defineProperty keeps `__proto__` an
    // ordinary key.
    const mapping: Record<string, unknown> = {};
    for (const { key: keyNode, value: valueNode } of items) {
      const key = this.#key(keyNode, path);
      if (key === undefined) continue;
      const inner = [...path, key];
      if (Object.hasOwn(mapping, key)) {
        const first = this.#places.get(placeKey(inner))?.key;
        this.#problem(
          keyNode,
          inner,
          `the key already exists in line ${first?.line ?? '?'}; keep one of them`,
        );
        continue;
      }
      this.#place(inner).key = this.#position(keyNode?.range?.[0] ?? 0);
      const value = this.convert(valueNode, inner);
      Object.defineProperty(mapping, key, { value, enumerable: true, configurable: true, writable: true });
    }
    return mapping;
  }

  #key(node: Node | null, path: YamlPath): string | undefined {
    const target = node !== null && isAlias(node) ? this.#anchors.get(node.source) : node;
    if (isScalar(target)) {
      if (target.anchor !== undefined) this.#anchors.set(target.anchor, target);
      return target.source ?? String(target.value);
    }
    this.#problem(node, path, 'a key must be a word');
    return undefined;
  }

  #alias(node: Node & { source: string }, path: YamlPath): unknown {
    const target = this.#anchors.get(node.source);
    if (target === undefined) return this.#problem(node, path, noAnchor(node.source));
    if (this.#open.has(target))
      return this.#problem(node, path, `the alias *${node.source} is inside the value that it refers to`);
    return this.convert(target, path);
  }

  #problem(node: Node | null, path: YamlPath, message: string): null {
    if (this.#problems.length <= maxProblems)
      this.#problems.push({ path, message: `YAML: ${message}`, ...this.#position(node?.range?.[0] ?? 0) });
    return null;
  }

  #place(path: YamlPath): Place {
    const key = placeKey(path);
    const place = this.#places.get(key) ?? {};
    this.#places.set(key, place);
    return place;
  }
}

/** An alias that looks like a pattern was probably meant as one. */
function noAnchor(name: string): string {
  const pattern = JSON.stringify(`*${name}`);
  return /^[A-Za-z]\w*$/.test(name)
    ? `the alias *${name} has no anchor &${name} before it; put a pattern in quotes: ${pattern}`
    : `*${name} is an alias without quotes; put a pattern in quotes: ${pattern}`;
}

function placeKey(path: YamlPath): string {
  return JSON.stringify(path);
}
