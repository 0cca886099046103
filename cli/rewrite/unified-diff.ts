import { type Edit, inOrder, rewrite } from '../../core/rewrite/edits.ts';
import { LineFinder, lineStarts } from '../../core/rewrite/position.ts';

/** Lines of the old text, counted from 0, and what they become. */
interface Change {
  from: number;
  /** The first line after it. */
  to: number;
  lines: string[];
}

/** Lines around each change. */
const context = 3;

/**
 * A unified diff of what edits change in a text, as `patch` and `git apply` take it; empty if they
 * change nothing. https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html
 */
export function unifiedDiff(name: string, text: string, edits: readonly Edit[]): string {
  const old = splitLines(text);
  const changes = changedLines(text, old, edits);
  if (changes.length === 0) return '';
  const output = [`--- a/${name}\n`, `+++ b/${name}\n`];
  let grown = 0;
  for (const hunk of hunksOf(changes)) {
    const from = Math.max(0, (hunk[0] as Change).from - context);
    const to = Math.min(old.length, (hunk.at(-1) as Change).to + context);
    const added = hunk.reduce(
      (sum, { from: start, to: end, lines }) => sum + lines.length - (end - start),
      0,
    );
    output.push(`@@ -${range(from, to - from)} +${range(from + grown, to - from + added)} @@\n`);
    let at = from;
    for (const change of hunk) {
      output.push(...old.slice(at, change.from).map((line) => marked(' ', line)));
      output.push(...old.slice(change.from, change.to).map((line) => marked('-', line)));
      output.push(...change.lines.map((line) => marked('+', line)));
      at = change.to;
    }
    output.push(...old.slice(at, to).map((line) => marked(' ', line)));
    grown += added;
  }
  return output.join('');
}

/** Lines with their line breaks. */
function splitLines(text: string): string[] {
  const starts = lineStarts(text);
  const lines = starts.map((start, index) => text.slice(start, starts[index + 1]));
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function changedLines(text: string, old: readonly string[], edits: readonly Edit[]): Change[] {
  const finder = new LineFinder(text);
  const starts = lineStarts(text);
  const touched: { from: number; to: number; edits: Edit[] }[] = [];
  for (const edit of inOrder(edits)) {
    const from = finder.position(edit.start).line - 1;
    const to = Math.min(old.length, finder.position(edit.end).line);
    const last = touched.at(-1);
    if (last && from < last.to) {
      last.to = Math.max(last.to, to);
      last.edits.push(edit);
    } else touched.push({ from, to, edits: [edit] });
  }
  return touched.flatMap(({ from, to, edits: here }) => {
    const begin = starts[from] ?? text.length;
    const moved = here.map((edit) => ({ ...edit, start: edit.start - begin, end: edit.end - begin }));
    const lines = splitLines(rewrite(text.slice(begin, starts[to] ?? text.length), moved));
    return trimmed({ from, to, lines }, old);
  });
}

/** Without the lines at both ends that stay as they are. */
function trimmed(change: Change, old: readonly string[]): Change[] {
  let { from, to } = change;
  const lines = [...change.lines];
  while (from < to && lines[0] === old[from]) {
    from++;
    lines.shift();
  }
  while (to > from && lines.length > 0 && lines.at(-1) === old[to - 1]) {
    to--;
    lines.pop();
  }
  return from === to && lines.length === 0 ? [] : [{ from, to, lines }];
}

/** Changes whose contexts touch are shown together. */
function hunksOf(changes: readonly Change[]): Change[][] {
  const hunks: Change[][] = [];
  for (const change of changes) {
    const last = hunks.at(-1);
    if (last && change.from - (last.at(-1) as Change).to <= 2 * context) last.push(change);
    else hunks.push([change]);
  }
  return hunks;
}

function range(from: number, count: number): string {
  // An empty range is named by the line before it.
  return count === 1 ? `${from + 1}` : `${count === 0 ? from : from + 1},${count}`;
}

function marked(mark: ' ' | '-' | '+', line: string): string {
  return line.endsWith('\n') ? mark + line : `${mark}${line}\n\\ No newline at end of file\n`;
}
