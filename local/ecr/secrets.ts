import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Whether two secrets are the same, compared in a time that does not reveal where they differ. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

/** A statement that only the holder of `key` can make: base64url of the JSON, a dot, its HMAC. */
export function sign(key: Uint8Array, statement: unknown): string {
  const payload = Buffer.from(JSON.stringify(statement)).toString('base64url');
  return `${payload}.${macOf(key, payload)}`;
}

/** The signed statement, or undefined if the signature is not by `key`. */
export function verify(key: Uint8Array, signed: string): unknown {
  const [payload = '', mac = '', ...rest] = signed.split('.');
  if (rest.length > 0 || !sameSecret(mac, macOf(key, payload))) return undefined;
  return JSON.parse(Buffer.from(payload, 'base64url').toString());
}

function macOf(key: Uint8Array, payload: string): string {
  return createHmac('sha256', key).update(payload).digest('base64url');
}

/** The user and password of a `Basic` header, RFC 7617. */
export function parseBasic(header: string | undefined): { username: string; password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/=_-]+)$/i.exec(header ?? '');
  if (match === null) return undefined;
  const text = Buffer.from(match[1] ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
