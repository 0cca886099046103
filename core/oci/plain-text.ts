/**
 * Text from an image in a form that is safe for messages. Characters that could forge log lines or
 * hide other text (control characters, format characters such as bidirectional overrides, line and
 * paragraph separators) become spaces. The text is cut after `maxLength` characters.
 */
export function plainText(text: string, maxLength: number): string {
  // Also cut before it is searched: a publisher may have put megabytes there.
  const shown = text
    .slice(0, maxLength + 1)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return text.length > maxLength ? `${shown.slice(0, maxLength)}…` : shown;
}
