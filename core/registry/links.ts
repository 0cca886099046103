/** One `<target>` of a Link header with its parameters: https://www.rfc-editor.org/rfc/rfc8288#section-3 */
const linkValue = /<([^<>]*)>((?:\s*;\s*[\w!#$%&'*+.^`|~-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)/g;
const relParameter = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]*))/i;

/** The target of the first link whose relation is `next`, as it stands in the header; undefined if there is none. */
export function nextLink(header: string | undefined): string | undefined {
  for (const [, target, parameters = ''] of (header ?? '').matchAll(linkValue)) {
    const rel = relParameter.exec(parameters);
    const relations = (rel?.[1] ?? rel?.[2] ?? '').toLowerCase().split(/\s+/);
    if (target !== undefined && relations.includes('next')) return target;
  }
  return undefined;
}
