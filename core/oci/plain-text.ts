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

/**
 * Text in a form that a record can hold: at most `maxLength` characters, and spaces instead of
 * control characters. What shows it to people decides about the rest.
 */
export function boundedText(text: string, maxLength: number): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const plain = text.slice(0, maxLength * 2).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return plain.length > maxLength ? `${plain.slice(0, maxLength - 1)}…` : plain;
}
