import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { nameUnknown, sendError } from './errors.ts';
import { readPage } from './pages.ts';
import type { RouteInput } from './route.ts';

/**
 * `GET …/tags/list`: in lexical order, in pages of `n`; the `Link` header leads to the next page
 * (RFC 8288).
 */
export async function listTags(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name }: RouteInput,
): Promise<void> {
  const repository = context.catalog.repository(name);
  if (repository === undefined) return sendError(exchange, nameUnknown(context, name));
  const page = await readPage(context, exchange, `/v2/${name}/tags/list`, [...repository.tags.keys()]);
  if (page !== undefined) await exchange.sendJson(200, { name, tags: page.items }, page.headers);
}
