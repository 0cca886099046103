/**
 * One `<target>` of a Link header with its parameters:
 * https://www.rfc-editor.org/rfc/rfc8288#section-3
 */
const linkValue = /<([^<>]*)>((?:\s*;\s*[\w!#$%&'*+.^`|~-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]*))?)*)/g;
const parameter = /\s*;\s*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?/g;
/**
 * Relations that a list may name besides the next page:
 * https://www.iana.org/assignments/link-relations/
 */
const otherRelations: ReadonlySet<string> = new Set([
  'prev',
  'previous',
  'first',
  'last',
  'self',
  'start',
  'up',
]);
/**
 * A target without brackets, alone in the header: a URL, a path or a query, with parameters, if
 * any.
 */
const bareLink = /^\s*((?:https?:\/\/|\/|\?)[^\s<>",;]+)\s*((?:;[^<>]*)?)$/;

/**
 * What a Link header says about the next page: its address as written, that there is none, or
 * nothing intelligible.
 */
export type NextLink = { kind: 'next'; target: string } | { kind: 'none' } | { kind: 'unintelligible' };

/**
 * Reads a Link header. Some registries leave out the brackets or the relation: a single target
 * without a relation is the next page, since a list has no other reason to send one. An
 * unintelligible header does not end the list.
 */
export function nextLink(header: string | undefined): NextLink {
  const text = header?.trim() ?? '';
  if (text === '') return { kind: 'none' };
  const links = [...text.matchAll(linkValue)].map(([, target = '', parameters = '']) => ({
    target,
    relations: relationsOf(parameters),
  }));
  const next = links.find(({ relations }) => relations?.includes('next'));
  if (next) return { kind: 'next', target: next.target };
  const rest = text.replace(linkValue, '').replace(/[\s,]+/g, '');
  if (links.length > 0 && rest !== '') return { kind: 'unintelligible' };
  const [only, second] = links;
  if (only && !second && only.relations === undefined) return { kind: 'next', target: only.target };
  if (links.length > 0) return links.every(isOther) ? { kind: 'none' } : { kind: 'unintelligible' };
  const [, target, parameters = ''] = bareLink.exec(text) ?? [];
  if (target === undefined) return { kind: 'unintelligible' };
  if (parameters.replace(parameter, '').trim() !== '') return { kind: 'unintelligible' };
  const relations = relationsOf(parameters);
  if (relations === undefined || relations.includes('next')) return { kind: 'next', target };
  return isOther({ relations }) ? { kind: 'none' } : { kind: 'unintelligible' };
}

/** Whether a link certainly does not lead to the next page. */
function isOther({ relations }: { relations: string[] | undefined }): boolean {
  return relations?.every((relation) => otherRelations.has(relation)) ?? false;
}

/** Undefined if no relation is given. Some registries use single quotes. */
function relationsOf(parameters: string): string[] | undefined {
  for (const [, name = '', quoted, plain] of parameters.matchAll(parameter)) {
    if (name.toLowerCase() !== 'rel') continue;
    const relations = (quoted ?? plain ?? '')
      .replace(/^'|'$/g, '')
      .toLowerCase()
      .split(/\s+/)
      .filter(Boolean);
    return relations.length === 0 ? undefined : relations;
  }
  return undefined;
}
