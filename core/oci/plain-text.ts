/**
 * Text out of an image as a message may show it: characters that could forge log lines or hide
 * other text (controls, format characters such as bidirectional overrides, line and paragraph
 * separators) are spaces, and it ends after `maxLength` characters.
 */
export function plainText(text: string, maxLength: number): string {
  // Cut before it is searched, too: a publisher may have put megabytes there.
  const shown = text
    .slice(0, maxLength + 1)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return text.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
}
