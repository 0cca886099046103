/** What a text may look like on a terminal. */
export type Style = 'bold' | 'dim' | 'cyan' | 'green' | 'red';

/** A piece of a line; plain unless a style is given. */
export type Cell = string | { text: string; style: Style };

/** Gives a text its style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/**
 * Lines with aligned columns. Styles don't count as width.
 *
 * @param align one letter a column: `l` or `r`; columns beyond it are `l`
 */
export function formatTable(rows: readonly (readonly Cell[])[], align: string, paint: Paint): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      // What stands alone in its row belongs to no column.
      if (row.length > 1) widths[column] = Math.max(widths[column] ?? 0, textOf(cell).length);
    });
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const text = textOf(cell);
      const padding = ' '.repeat(Math.max(0, (widths[column] ?? 0) - text.length));
      const painted = typeof cell === 'string' ? text : paint(cell.style, text);
      if (align[column] === 'r') return padding + painted;
      return column === row.length - 1 ? painted : painted + padding;
    });
    return cells.join('  ').trimEnd();
  });
}

/** A cell without its style. */
export function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
