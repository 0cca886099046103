/** The content codings that answers can have, the preferred one first. */
export const contentCodings = ['br', 'gzip'] as const;
export type ContentCoding = (typeof contentCodings)[number];

/** What a request's Accept-Encoding comes to. */
export interface CodingChoice {
  /** The best coding that the caller accepts; absent: none. */
  coding?: ContentCoding;
  /** Whether the caller refuses answers without a coding, or prefers the coding to that. */
  prefersCoding: boolean;
  /** Whether the caller refuses answers without a coding: `identity;q=0`, or `*;q=0`. */
  refusesPlain: boolean;
}

/**
 * One member of the list: a coding and its weight, from 0 to 1 with at most three decimals.
 * https://www.rfc-editor.org/rfc/rfc9110#name-quality-values
 */
const memberPattern = /^([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;

/**
 * Chooses the coding of an answer: the accepted one with the highest weight, and among equals the
 * one that we prefer. A coding that is not listed has the weight of `*`, or else is not accepted;
 * `identity` is accepted unless it is refused. Without the header, any coding would do: callers
 * that do not send it usually can't decode one, so they get none. Members that are not in the
 * header's syntax are ignored.
 * https://www.rfc-editor.org/rfc/rfc9110#name-accept-encoding
 *
 * @param offered the codings that the answer can have
 */
export function chooseCoding(
  acceptEncoding: string | undefined,
  offered: readonly ContentCoding[] = contentCodings,
): CodingChoice {
  const weights = new Map<string, number>();
  for (const member of (acceptEncoding ?? '').toLowerCase().split(',')) {
    const [, name, weight = '1'] = memberPattern.exec(member.trim()) ?? [];
    // x-gzip is gzip: https://www.rfc-editor.org/rfc/rfc9110#name-gzip-coding
    if (name !== undefined) weights.set(name === 'x-gzip' ? 'gzip' : name, Number(weight));
  }
  const any = weights.get('*');
  const weightOf = (name: string) => weights.get(name) ?? any ?? 0;
  const [coding] = offered
    .filter((name) => weightOf(name) > 0)
    .sort((one, other) => weightOf(other) - weightOf(one));
  const plain = weights.get('identity') ?? (any === 0 ? 0 : undefined);
  if (coding === undefined) return { prefersCoding: false, refusesPlain: plain === 0 };
  return { coding, prefersCoding: weightOf(coding) >= (plain ?? 0), refusesPlain: plain === 0 };
}
