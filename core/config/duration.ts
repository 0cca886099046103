const unitSeconds = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const;

/** Ten years: longer than any history or interval that makes sense. */
const longestSeconds = 3650 * unitSeconds.d;

/**
 * Reads a duration such as `30d`, `6h`, `15m`, `90s` or `2w`, in seconds; undefined if the text is
 * not a duration.
 */
export function durationSeconds(text: string): number | undefined {
  const [, amount = '', unit = ''] = /^(\d{1,10})([smhdw])$/.exec(text) ?? [];
  if (amount === '') return undefined;
  return Number(amount) * unitSeconds[unit as keyof typeof unitSeconds];
}

/** The seconds of a duration that is known to be valid. @throws Error if it is not */
export function secondsOf(duration: string): number {
  const seconds = durationSeconds(duration);
  if (seconds === undefined) throw new Error(`not a duration, though the schema accepted it: ${duration}`);
  return seconds;
}

/** Describes what is wrong with a duration and what to write instead; undefined if it is right. */
export function durationProblem(text: string): string | undefined {
  const seconds = durationSeconds(text);
  if (seconds === undefined)
    return `${JSON.stringify(text)} is not a duration; write a whole number and a unit (s, m, h, d, w), such as 6h`;
  if (seconds === 0) return `${JSON.stringify(text)} is zero; write at least 1s`;
  if (seconds > longestSeconds) return `${JSON.stringify(text)} is too long; write at most 3650d`;
  return undefined;
}
