/**
 * How texts are written in the languages of the exports. The names in mappings follow the grammar
 * of references, so few of these characters can occur; each form is right for any text all the
 * same.
 */

/** A regular expression (RE2) that matches exactly this text. */
export function regexOf(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

/** A YAML scalar: in single quotes, where backslashes mean themselves. */
export function yamlText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? `'${text.replaceAll("'", "''")}'` : JSON.stringify(text);
}

/** A TOML basic string: https://toml.io/en/v1.0.0#string */
export function tomlText(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f');
}

/** One word of a POSIX shell. */
export function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Lines of a comment; each line of the text gets a `#`. */
export function commentOf(text: string): string {
  return text
    .trim()
    .split('\n')
    .map((line) => (line === '' ? '#\n' : `# ${line}\n`))
    .join('');
}
