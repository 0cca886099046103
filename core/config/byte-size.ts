const units: Record<string, number> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
};

/**
 * Reads a number of bytes, or a size such as `500MB` (decimal) or `5GiB` (binary); undefined if it
 * is neither, or too large to count.
 */
export function byteSize(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : undefined;
  const [, amount = '', unit = ''] = /^(\d{1,12}(?:\.\d{1,3})?)(B|[kKMGT]B|[KMGT]iB)$/.exec(value) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor === undefined) return undefined;
  const bytes = Math.floor(Number(amount) * factor);
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : undefined;
}
