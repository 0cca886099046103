/**
 * The query parameters of a URL that may be shown. All others are hidden: presigned URLs carry
 * their signature there, upload locations their state. Modelled on go-containerregistry's
 * internal/redact, which keeps an allow-list for the same reason.
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

/** The most characters of a foreign text that a message contains. */
const maxShownText = 400;

/** The most characters of a foreign text that the patterns search. */
const maxReadText = 4096;

/**
 * The URL as it may be written to a log: no user, password or fragment, and only harmless
 * parameters with their values.
 */
export function redactUrl(url: URL | string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    // Relative or malformed: only the part that can hold neither parameters nor, as in
    // `https://user:pass@[`, a password.
    const [shown = ''] = String(url).split(/[?#]/, 1);
    const slashes = shown.indexOf('//');
    return slashes === -1 ? shown : `${shown.slice(0, slashes)}//REDACTED`;
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
 * Foreign text (an error message of a registry or a library) in a form that may be shown. Secrets,
 * credentials of any Authorization header, JSON Web Tokens and URL queries are hidden. Control
 * characters, which could forge log lines, become spaces. The text has at most 400 characters.
 * Known secrets are searched in the whole text, everything else only at its beginning: the text may
 * be a megabyte, made to keep patterns busy.
 *
 * @param secrets known values that must not appear (tokens, passwords)
 */
export function redactText(text: string, secrets: readonly string[] = []): string {
  let shown = hideSecrets(text, secrets, 'REDACTED');
  const whole = shown.length <= maxReadText;
  shown = beginningOf(shown)
    // No pattern can fail after its first few characters, so each takes linear time, and matches a
    // token that was cut off, too.
    .replace(/(?<![A-Za-z0-9])(Bearer|Basic)(\s{1,64})(?!realm=)[\w.~+/-]{6,}=*/gi, '$1$2REDACTED')
    // Any base64url-encoded JSON object, whether or not it is a token's header (RFC 7515, 3.1).
    .replace(/(?<![A-Za-z0-9])eyJ[\w-]{8,}(?:\.[\w-]*){0,4}/g, 'REDACTED')
    .replace(/(?<![A-Za-z0-9])https?:\/\/[^\s"'<>]+/gi, (url) => redactUrl(url))
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
    .trim();
  return whole && shown.length <= maxShownText ? shown : `${shown.slice(0, maxShownText)}…`;
}

/** The text with a mark in place of each secret. */
export function hideSecrets(text: string, secrets: readonly string[], mark: string): string {
  // The longest first: one may be a part of another.
  return [...new Set(secrets.flatMap(writtenForms))]
    .sort((a, b) => b.length - a.length)
    .reduce((shown, secret) => (secret === '' ? shown : shown.replaceAll(secret, mark)), text);
}

/**
 * The forms that a secret may have in a foreign text: as it is, in a URL or a form, and in JSON.
 */
function writtenForms(secret: string): string[] {
  if (secret === '') return [];
  const form = new URLSearchParams([['', secret]]).toString().slice(1);
  return [secret, form, encodeURIComponent(secret.toWellFormed()), JSON.stringify(secret).slice(1, -1)];
}

/**
 * The beginning of a long text, without the word that the cut divides: it may be the beginning of a
 * secret.
 */
function beginningOf(text: string): string {
  if (text.length <= maxReadText) return text;
  let end = maxReadText;
  while (end > 0 && !/\s/.test(text.charAt(end))) end -= 1;
  return text.slice(0, end === 0 ? maxReadText : end);
}
