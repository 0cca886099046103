/**
 * The token of `Authorization: Bearer` (RFC 6750, 2.1); undefined for another scheme (RFC 9110,
 * 11.4).
 */
export function bearerToken(value: string): string | undefined {
  return /^Bearer +(\S+)$/i.exec(value)?.[1];
}

/**
 * The password of `Authorization: Basic` (RFC 7617); the user name is the sender's choice.
 * Undefined for another scheme.
 */
export function basicPassword(value: string): string | undefined {
  const credentials = /^Basic +(\S+)$/i.exec(value)?.[1];
  if (credentials === undefined) return undefined;
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : text.slice(colon + 1);
}
