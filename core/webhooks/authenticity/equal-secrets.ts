import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A random key, so that nobody outside this process can know the digests that are compared. Made
 * once, because making a key object is the slow part.
 */
const comparisonKey = createSecretKey(randomBytes(32));

/**
 * Whether two texts are equal. The time it takes does not reveal whether or where they differ, nor
 * their lengths: it compares their HMACs, which all have the same length.
 * https://paragonie.com/blog/2015/11/preventing-timing-attacks-on-string-comparison-with-double-hmac-strategy
 */
export function equalSecrets(given: string, expected: string): boolean {
  const digest = (text: string) => createHmac('sha256', comparisonKey).update(text, 'utf8').digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * Whether a text is one of the secrets that are valid now (several during a rotation). All secrets
 * are compared, even after a match. An empty or missing text and an empty secret never match.
 *
 * @param readings other ways to read the text; a match of any of them counts
 */
export function isOneOf(
  given: string | undefined,
  secrets: readonly string[],
  ...readings: ((given: string) => string | undefined)[]
): boolean {
  let found = false;
  for (const read of [(text: string): string | undefined => text, ...readings]) {
    const text = read(given ?? '') ?? '';
    for (const secret of secrets) {
      const equal = equalSecrets(text, secret);
      found = (equal && text !== '') || found;
    }
  }
  return found;
}
