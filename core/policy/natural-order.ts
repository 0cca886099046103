/**
 * Compares texts in natural order: runs of digits by their value, everything else by its
 * characters. `r9` comes before `r10`, and `9-g1a2b` before `63-g0c4d`. Texts that differ only in
 * leading zeros are ordered by their characters, so that only equal texts compare as equal.
 */
export function compareNatural(a: string, b: string): number {
  const [runsA, runsB] = [runsOf(a), runsOf(b)];
  for (let i = 0; i < Math.min(runsA.length, runsB.length); i += 1) {
    const difference = compareRuns(runsA[i] ?? '', runsB[i] ?? '');
    if (difference !== 0) return difference;
  }
  return runsA.length - runsB.length || compareText(a, b);
}

function runsOf(text: string): string[] {
  return text.match(/\d+|\D+/g) ?? [];
}

function compareRuns(a: string, b: string): number {
  if (!isDigits(a) || !isDigits(b)) return compareText(a, b);
  const [valueA, valueB] = [a, b].map((digits) => digits.replace(/^0+/, ''));
  return (valueA?.length ?? 0) - (valueB?.length ?? 0) || compareText(valueA ?? '', valueB ?? '');
}

function isDigits(run: string): boolean {
  return run.charCodeAt(0) >= 0x30 && run.charCodeAt(0) <= 0x39;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
