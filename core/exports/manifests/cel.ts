/**
 * A text as a literal of the Common Expression Language.
 * https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values
 */
export function celString(text: string): string {
  const escaped = text.replace(/[\\'\p{Cc}\p{Zl}\p{Zp}\ufeff]/gu, (character) =>
    character === '\\' || character === "'"
      ? `\\${character}`
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `'${escaped}'`;
}

/** A map of texts as a literal. */
export function celMap(entries: Iterable<readonly [string, string]>): string {
  return `{${[...entries].map(([key, value]) => `${celString(key)}: ${celString(value)}`).join(',\n')}}`;
}
