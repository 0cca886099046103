/** How numbers, sizes and times are written. */

const numbers = new Intl.NumberFormat('en');
const moments = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** @param {number} value */
export function number(value) {
  return numbers.format(value);
}

/**
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export function counted(value, one, many = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

/** @param {number} value */
export function bytes(value) {
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || rest >= 99.5 ? Math.round(rest) : rest.toPrecision(rest >= 9.95 ? 3 : 2)} ${units[unit]}`;
}

/** @param {number} ms */
export function duration(ms) {
  const seconds = ms / 1_000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** @param {string} iso */
export function moment(iso) {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : moments.format(time);
}

/**
 * How long ago a moment was, or how far off it is.
 *
 * @param {string} iso
 */
export function relative(iso) {
  const ms = new Date(iso).getTime() - Date.now();
  if (Number.isNaN(ms)) return iso;
  if (Math.abs(ms) < 1_000) return 'now';
  return ms < 0 ? `${duration(-ms)} ago` : `in ${duration(ms)}`;
}

/** @param {string} digest */
export function shortDigest(digest) {
  return digest.replace(/^(sha\d+:[0-9a-f]{12})[0-9a-f]+$/, '$1');
}
