import type { TextMatch } from '../config/verification.ts';

/** Whether a text is what is asked for, as a whole. */
export function matchesText(text: string, match: TextMatch): boolean {
  return 'equals' in match ? text === match.equals : matchesPattern(text, match.pattern);
}

/** What is asked for, as it stands in messages. */
export function describeMatch(match: TextMatch): string {
  return 'equals' in match ? match.equals : `${match.pattern} (pattern)`;
}

/**
 * `*` is any number of any characters, but none reaches across the first `@` if the pattern has
 * one: in `…/release.yml@refs/tags/*`, it separates the workflow from the ref, and a branch may be
 * called `x@refs/tags/y`.
 */
function matchesPattern(text: string, pattern: string): boolean {
  const asked = pattern.indexOf('@');
  if (asked < 0) return matchesParts(text, pattern);
  const found = text.indexOf('@');
  if (found < 0) return false;
  return (
    matchesParts(text.slice(0, found), pattern.slice(0, asked)) &&
    matchesParts(text.slice(found), pattern.slice(asked))
  );
}

/**
 * Each part is found at its first place after the one before,
 * which never has to be taken back: the time grows with the length of the text, however hostile.
 */
function matchesParts(text: string, pattern: string): boolean {
  const [first = '', ...others] = pattern.split('*');
  const last = others.pop();
  if (last === undefined) return text === first;
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last))
    return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
