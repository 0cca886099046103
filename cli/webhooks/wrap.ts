/** Wider lines are hard to read, however wide the terminal is. */
const widest = 120;

/** The width for prose on a stream: that of the terminal; without one lines are not broken. */
export function proseWidth({ isTTY, columns }: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>): number {
  return isTTY && columns > 0 ? Math.min(columns, widest) : Number.POSITIVE_INFINITY;
}

/**
 * A text in lines no longer than `width` where words allow it, below each other after `prefix`. What stands in backticks is to be
 * copied, and stays on one line.
 */
export function wrapped(prefix: string, text: string, width: number): string[] {
  const room = width - prefix.length;
  const lines = text.split('\n').flatMap((line) => {
    if (line.length <= room) return [line];
    const broken: string[] = [''];
    for (const word of line.match(/(?:`[^`]*`|\S)+/g) ?? []) {
      const last = broken.at(-1) ?? '';
      if (last !== '' && last.length + 1 + word.length > room) broken.push(word);
      else broken[broken.length - 1] = last === '' ? word : `${last} ${word}`;
    }
    return broken;
  });
  return lines.map((line, at) => `${at === 0 ? prefix : ' '.repeat(prefix.length)}${line}`.trimEnd());
}
