import { cpus, loadavg } from 'node:os';

/** The middle of some numbers, or the mean of the two middle ones. */
export function median(numbers: number[]): number {
  return quantile(numbers, 0.5);
}

/** The value below which a share (0 to 1) of the numbers lie, interpolated. */
export function quantile(numbers: number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const low = sorted[Math.floor(position)] ?? Number.NaN;
  const high = sorted[Math.ceil(position)] ?? Number.NaN;
  return low + (high - low) * (position - Math.floor(position));
}

/** A Markdown table; the first column is text, the others are aligned to the right. */
export function markdownTable(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join(
    '\n',
  );
}

/** Others that ran meanwhile make everything take longer, but hardly change the CPU time. */
export function busyNote(): string[] {
  const [, , load = 0] = loadavg();
  if (load <= cpus().length) return [];
  return [
    `**The machine was busy**: a load of ${load.toFixed(0)} on ${cpus().length} processors. Times are too long; CPU times, counts, sizes and memory hold.`,
  ];
}
