/** One challenge of a WWW-Authenticate header. */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  scheme: string;
  /** Names in lower case; if a name occurs twice, the first counts. */
  parameters: ReadonlyMap<string, string>;
  /** Instead of parameters: `Negotiate TlRMTVNT…`. */
  token68?: string;
}

// RFC 9110, 5.6.2 (token), 5.6.4 (quoted-string), 11.2 (auth-param, token68); all are matched at a
// position ("y").
const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const schemePattern = new RegExp(`(${token})(?=[ \\t,]|$)`, 'y');
// Without quotes, a value is a token; some registries write URLs without quotes, so more is
// accepted.
const parameterPattern = new RegExp(
  `(${token})[ \\t]*=[ \\t]*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s",=][^\\s",]*))(?=[ \\t]*(?:,|$))`,
  'y',
);
const token68Pattern = /([A-Za-z0-9\-._~+/]+=*)(?=[ \t]*(?:,|$))/y;
const separatorPattern = /[ \t,]*/y;
const spacePattern = /[ \t]+/y;

/**
 * Parses WWW-Authenticate (RFC 9110, 11.6.1; RFC 6750, 3), which may hold several challenges:
 * `Bearer realm="https://auth.docker.io/token",service="registry.docker.io", Basic realm="x"`. The
 * comma separates both parameters and challenges: an item with a `=` belongs to the challenge
 * before it. If the header stops making sense, the rest is ignored, and what was understood counts.
 */
export function parseChallenges(header: string | undefined): Challenge[] {
  const text = header ?? '';
  const challenges: Challenge[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = position;
    const match = pattern.exec(text) ?? undefined;
    if (match) position = pattern.lastIndex;
    return match;
  };
  for (take(separatorPattern); position < text.length; take(separatorPattern)) {
    const scheme = take(schemePattern)?.[1]?.toLowerCase();
    if (scheme === undefined) break;
    const parameters = new Map<string, string>();
    const challenge: Challenge = { scheme, parameters };
    challenges.push(challenge);
    if (!take(spacePattern)) continue;
    for (let match = take(parameterPattern); match; match = take(parameterPattern)) {
      const [, name = '', quoted, bare] = match;
      const value = quoted === undefined ? (bare ?? '') : quoted.replace(/\\(.)/gs, '$1');
      if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
      take(separatorPattern);
    }
    if (parameters.size > 0) continue;
    const bytes = take(token68Pattern)?.[1];
    if (bytes !== undefined) challenge.token68 = bytes;
  }
  return challenges;
}
