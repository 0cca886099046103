import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A key of this process, so that nobody outside can know the digests that are compared; made once,
 * since that is what takes time.
 */
const comparisonKey = createSecretKey(randomBytes(32));

/**
 * Whether two texts are equal, in a time that tells nothing of where or whether they differ, their
 * lengths included: what is compared are HMACs of them, which all have one length.
 * https://paragonie.com/blog/2015/11/preventing-timing-attacks-on-string-comparison-with-double-hmac-strategy
 */
export function equalSecrets(given: string, expected: string): boolean {
  const digest = (text: string) => createHmac('sha256', comparisonKey).update(text, 'utf8').digest();
  return timingSafeEqual(digest(given), digest(expected));
}

/**
 * Whether a text is one of the secrets that are valid now (several while one is being rotated). All
 * are compared, whichever fits; an empty or missing text and an empty secret never fit.
 *
 * @param readings other ways to read the text, each of which may fit as well
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
