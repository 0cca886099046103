/**
 * A text in single quotes, as bash and zsh read it: a quote in it ends them, is escaped, and begins
 * them again.
 */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
