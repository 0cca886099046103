/**
 * What of a URL's query may be shown. All else is hidden: presigned URLs carry their signature there, upload locations
 * their state. After go-containerregistry's internal/redact, which keeps an allow-list for the same reason.
 */
const shownParameters: ReadonlySet<string> = new Set([
  'digest',
  'mount',
  'from',
  'n',
  'last',
  'scope',
  'service',
  'artifactType',
]);

/** The most characters of a foreign text that a message carries. */
const maxShownText = 400;

/** The URL as it may be written to a log: no user, password or fragment, and only harmless parameters with their values. */
export function redactUrl(url: URL | string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // Relative or malformed: the part that can't hold parameters.
    return String(url).split(/[?#]/, 1)[0] ?? '';
  }
  const parameters = [...parsed.searchParams].map(
    ([name, value]) => `${encodeURIComponent(name)}=${shownParameters.has(name) ? value : 'REDACTED'}`,
  );
  return urlWithoutQuery(parsed) + (parameters.length > 0 ? `?${parameters.join('&')}` : '');
}

/** Scheme, host and path. */
export function urlWithoutQuery(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/**
 * Text that somebody else wrote (a registry's error message, a library's) as it may be shown: secrets, credentials of any
 * Authorization header, JSON Web Tokens and URL queries hidden; control characters, which could forge log lines, are
 * spaces; at most 400 characters.
 *
 * @param secrets values that are known and must not appear (tokens, passwords)
 */
export function redactText(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  // The longest first: one may be a part of another.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret !== '') shown = shown.replaceAll(secret, 'REDACTED');
  }
  shown = shown
    .replace(/\b(Bearer|Basic)(\s+)(?!realm=)[\w.~+/-]{6,}=*/gi, '$1$2REDACTED')
    .replace(/\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}/g, 'REDACTED')
    .replace(/\bhttps?:\/\/[^\s"'<>]+/gi, (url) => redactUrl(url))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim();
  return shown.length > maxShownText ? `${shown.slice(0, maxShownText)}…` : shown;
}
