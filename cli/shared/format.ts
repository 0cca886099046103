/** `1 file`, `2 files` */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** A number of bytes for people, with decimal units: `0 B`, `12.3 kB`, `4.00 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** A duration for people: `820 ms`, `12.3 s`, `4 min 05 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** How long ago a time was, for people: `just now`, `3 min ago`, `5 d ago`. */
export function formatAge(time: string, now: number = Date.now()): string {
  const minutes = Math.floor((now - Date.parse(time)) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`;
}

/** The time of day: `20:40:04`. */
export function clock(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits).join(':');
}

/** The time of day, with the date unless it is today: `20:40:04`, `2026-11-30 20:40:04`. */
export function clockOrDate(time: Date, now: Date = new Date()): string {
  return dayOf(time) === dayOf(now) ? clock(time) : dateAndClock(time);
}

/** Date and time of day: `2026-11-30 20:40:04`. */
export function dateAndClock(time: Date): string {
  return `${dayOf(time)} ${clock(time)}`;
}

function dayOf(time: Date): string {
  return [time.getFullYear(), twoDigits(time.getMonth() + 1), twoDigits(time.getDate())].join('-');
}

function twoDigits(part: number): string {
  return String(part).padStart(2, '0');
}

/** An amount of money for people: `$0.42`. */
export function formatUsd(usd: number): string {
  return usd > 0 && usd < 0.005 ? '<$0.01' : `$${usd.toFixed(2)}`;
}
