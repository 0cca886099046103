/** A text without some of its lines. */
export interface Pruned {
  text: string;
  /** The offset in the whole text of one in this text. */
  at(offset: number): number;
}

/** What stands in one line, as far as it can be told from that line alone. */
interface Line {
  start: number;
  /** The start of the next line. */
  end: number;
  /** Nothing but space or a comment. */
  isEmpty: boolean;
  /** The column where it begins: of a list item, that of its first dash. */
  first: number;
  isItem: boolean;
  /** The key, if everything below the line is its value, and the key’s column. */
  opens?: { key: string; column: number };
}

/** Fewer lines below a key are not worth leaving out. */
const fewest = 2;

/** Longer lines are not looked at. */
const longestLine = 2_000;

const key = String.raw`(?:[A-Za-z_][\w./-]*|<<|"[^"\\]*"|'[^']*')`;
/** An alias, a plain scalar whose colons stand within words, or quoted text without escapes. */
const scalar = String.raw`(?:\*[\w-]+|(?:[A-Za-z0-9_./]|--?[A-Za-z0-9])[^#:\t]*(?::[^\s#:][^#:\t]*)*|"[^"\\]*"|'[^']*')`;
const value = String.raw`(?:${scalar}|(?<flow>[[{].*[\]}])|(?<block>[|>][-+]?))`;
const entryPattern = new RegExp(
  `^ *(?! )(?<dashes>(?:- +(?! ))*)(?:(?<key>${key}):(?: +(?! )|$))?` +
    String.raw`(?:(?<anchor>&[\w-]+)(?: +(?! )|$))?(?:(?:#.*)?|(?<value>${value})(?: *|[ \t]+#.*))$`,
);

/**
 * Leaves out what can hold no reference, since parsing is what takes the time: everything below a
 * key, if `isWanted` says nothing of it, neither anchors nor aliases stand there, and the document
 * is written so simply that each line can be understood by itself. Any other document stays whole.
 *
 * @param isWanted whether the lines below this key have to stay
 * @returns undefined if nothing was left out
 */
export function prune(text: string, isWanted: (key: string, below: string) => boolean): Pruned | undefined {
  const lines = readLines(text);
  if (lines === undefined) return undefined;
  const kept: { start: number; end: number }[] = [];
  let from = 0;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as Line;
    if (line.opens === undefined) continue;
    let next = index + 1;
    while (next < lines.length && isBelow(lines[next] as Line, line.opens.column)) next++;
    const below = text.slice(line.end, lines[next - 1]?.end);
    if (next - index <= fewest || /[&*]|\{\{/.test(below) || isWanted(line.opens.key, below)) continue;
    kept.push({ start: from, end: line.end });
    from = line.end + below.length;
    index = next - 1;
  }
  if (kept.length === 0) return undefined;
  kept.push({ start: from, end: text.length });
  return { text: kept.map(({ start, end }) => text.slice(start, end)).join(''), at: mapping(kept) };
}

/** All lines of a document, or undefined if one of them is not simple. */
function readLines(text: string): Line[] | undefined {
  const lines: Line[] = [];
  /** The column that the lines of a block scalar are right of. */
  let block: number | undefined;
  for (let start = text.startsWith('\uFEFF') ? 1 : 0; start < text.length; ) {
    const found = text.indexOf('\n', start);
    const end = found < 0 ? text.length : found + 1;
    const raw = text.slice(start, end).replace(/\r?\n$/, '');
    const first = raw.search(/[^ ]|$/);
    const line: Line = { start, end, first, isEmpty: true, isItem: false };
    lines.push(line);
    start = end;
    if (raw.trim() === '') continue;
    line.isEmpty = false;
    if (block !== undefined && first > block) continue;
    block = undefined;
    line.isEmpty = raw[first] === '#' || (raw === '---' && lines.length === 1);
    if (line.isEmpty) continue;
    const parts = raw.length > longestLine ? undefined : entryPattern.exec(raw)?.groups;
    if (!parts) return undefined;
    const { dashes = '', key: name, anchor, value: written, flow, block: header } = parts;
    if (name === undefined && dashes === '') return undefined;
    if (flow !== undefined && !isComplete(flow)) return undefined;
    const column = name === undefined ? first + dashes.trimEnd().length - 1 : first + dashes.length;
    line.isItem = dashes !== '';
    if (header !== undefined) block = column;
    if (name !== undefined && anchor === undefined && written === undefined)
      line.opens = { key: name.replace(/^["']|["']$/g, ''), column };
  }
  return lines;
}

/** Whether a line belongs to the value of a key: lists may begin in the column of their key. */
function isBelow({ isEmpty, isItem, first }: Line, column: number): boolean {
  return isEmpty || first > column || (isItem && first === column);
}

/** Whether a flow collection ends where its line does. */
function isComplete(flow: string): boolean {
  let [depth, quote] = [0, ''];
  for (const [index, char] of [...flow].entries()) {
    if (char === '\\' || (quote === '' && char === '#')) return false;
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '[' || char === '{') depth++;
    else if ((char === ']' || char === '}') && --depth === 0) return index === [...flow].length - 1;
  }
  return false;
}

function mapping(kept: readonly { start: number; end: number }[]): (offset: number) => number {
  const starts: number[] = [];
  let length = 0;
  for (const { start, end } of kept) {
    starts.push(length);
    length += end - start;
  }
  return (offset) => {
    let index = starts.length - 1;
    while (index > 0 && (starts[index] as number) > offset) index--;
    return (kept[index]?.start ?? 0) + offset - (starts[index] ?? 0);
  };
}
