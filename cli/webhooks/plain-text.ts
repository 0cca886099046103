/**
 * The Markdown of a source's guide for a terminal: without emphasis, fences, and brackets around
 * addresses. Code stays marked.
 */
export function plainText(markdown: string): string {
  return markdown
    .replace(/^[ \t]*```\w*\n?/gm, '')
    .replace(/(`[^`\n]*`)|\*\*([^*\n]+)\*\*/g, (_, code?: string, text?: string) => code ?? text ?? '')
    .replace(
      /(`[^`\n]*`)|(?<![\w*])\*([^*\s`](?:[^*\n`]*[^*\s`])?)\*(?![\w*])/g,
      (_, code?: string, text?: string) => code ?? text ?? '',
    )
    .replace(/<(https?:\/\/[^>\s]+)>/g, '$1')
    .trimEnd();
}
