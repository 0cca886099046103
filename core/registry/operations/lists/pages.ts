import { RegistryError } from '../../errors.ts';
import type { Answer, Call, Exchange } from '../../exchange.ts';
import { resolveLocation } from '../../transport/redirects.ts';
import { nextLink } from './links.ts';

/**
 * The next page of a list by the answer's Link header; undefined at the end. Throws LINK_REFUSED if
 * it leads to another scheme, host or port than this page's, or to a page that was already read. (A
 * page that was redirected to another host continues there, and the exchange sends no Authorization
 * to it.)
 *
 * @param seen the addresses of the pages so far
 */
export function nextPage(
  exchange: Exchange,
  call: Pick<Call, 'operation' | 'repository' | 'reference'>,
  answer: Answer,
  seen: ReadonlySet<string>,
): URL | undefined {
  const link = nextLink(answer.header('link'));
  if (link.kind === 'none') return undefined;
  const refuse = (reason: string) =>
    new RegistryError(exchange.context(call), { code: 'LINK_REFUSED', status: answer.status, reason });
  if (link.kind === 'unintelligible')
    throw refuse('the answer has a Link that can’t be parsed, so the list may be incomplete');
  const next = resolveLocation(exchange.hosts, answer.url, link.target);
  if (!next.ok) throw refuse(next.reason.replace('Location', 'Link'));
  if (!next.sameOrigin) throw refuse(`the next page is on another host, ${next.url.host}`);
  if (seen.has(next.url.href)) throw refuse('the next page was already read');
  return next.url;
}
