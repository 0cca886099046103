import { isMap, type Node, type Scalar } from 'yaml';
import type { Edit } from '../edits.ts';
import { type Slot, slotOf } from './slot.ts';
import type { Entry, YamlView } from './view.ts';

/** A map whose entries make one reference together. */
export class Group {
  readonly #view: YamlView;
  readonly #map: Node;
  readonly #entries: readonly Entry[];

  constructor(view: YamlView, map: Node) {
    this.#view = view;
    this.#map = map;
    this.#entries = view.entries(map);
  }

  /** What a key says; undefined if it is absent or null, or has no text of its own in this map. */
  slot(key: string): Slot | undefined {
    const entry = this.#entries.findLast((each) => each.key === key);
    if (entry === undefined) return undefined;
    const slot = slotOf(this.#view, entry.value);
    return typeof slot === 'string' || isNull(entry.value, slot) ? undefined : slot;
  }

  /** Whether each of these keys has its value in this map, not over an alias or a merge key. */
  owns(...keys: string[]): boolean {
    return this.#entries.every(
      ({ key, value, inherited }) =>
        !keys.includes(key) || (!inherited && this.#view.target(value) === value),
    );
  }

  /** The edit that gives a key another name, in the style it has. */
  rename(key: string, name: string): Edit[] {
    const keyNode = this.#entries.findLast((each) => each.key === key)?.keyNode;
    const slot = keyNode && slotOf(this.#view, keyNode);
    return typeof slot === 'object' ? [slot.say(name)] : [];
  }

  /** The edit that adds an entry after another one, whose indentation and quotes it takes. */
  insertAfter(key: string, name: string, value: string): Edit[] {
    const entry = this.#entries.findLast((each) => each.key === key);
    const range = entry?.value.range;
    if (entry?.keyNode.range == null || range == null) return [];
    const { text } = this.#view.part;
    const insertion = (offset: number, inserted: string): Edit => {
      const at = this.#view.part.at(offset);
      return { start: at, end: at, text: inserted };
    };
    const quote = (entry.keyNode as Scalar).type === 'QUOTE_DOUBLE' ? '"' : '';
    const added = `${quote}${name}${quote}: ${quote}${value}${quote}`;
    const map = this.#view.target(this.#map);
    if (isMap(map) && map.flow === true) return [insertion(range[1], `, ${added}`)];
    const [from] = entry.keyNode.range;
    const line = text.lastIndexOf('\n', from - 1) + 1;
    const indent = ' '.repeat(from - line - (text.startsWith('\uFEFF') && line === 0 ? 1 : 0));
    const end = text.indexOf('\n', range[1]);
    const eol = lineBreak(text);
    // A block scalar has the line break within it, so the new entry stands before it.
    if (isBlock(entry.value)) return [insertion(from, `${added}${eol}${indent}`)];
    if (end < 0) return [insertion(text.length, `${eol}${indent}${added}`)];
    return [insertion(text[end - 1] === '\r' ? end - 1 : end, `${eol}${indent}${added}`)];
  }
}

function lineBreak(text: string): string {
  const first = text.indexOf('\n');
  return first > 0 && text[first - 1] === '\r' ? '\r\n' : '\n';
}

function isBlock(node: Node): boolean {
  return /^BLOCK_/.test((node as { type?: string }).type ?? '');
}

/** An absent value, and the spellings of null in YAML 1.2. */
function isNull(node: Node, { value }: Slot): boolean {
  return (node as { type?: string }).type === 'PLAIN' && /^(|~|null|Null|NULL)$/.test(value);
}
