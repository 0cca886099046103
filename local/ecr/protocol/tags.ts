import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { nameUnknown, sendError } from './errors.ts';
import type { RouteInput } from './route.ts';

/**
 * What ECR lists where the client names no number (genuinetools/reg#206), and the most that it
 * takes.
 */
const ecrPage = { default: 100, max: 1000 };

/**
 * `GET …/tags/list`: in lexical order, in pages of `n`, the next of which the `Link` header names
 * (RFC 8288).
 */
export async function listTags(
  context: RegistryContext,
  exchange: HttpExchange,
  { repository: name }: RouteInput,
): Promise<void> {
  const repository = context.catalog.repository(name);
  if (repository === undefined) return sendError(exchange, nameUnknown(context, name));
  const isEcr = context.flavour === 'ecr';
  const n = exchange.query.get('n');
  const asked = n === null ? undefined : Number(n);
  if (asked !== undefined && (!Number.isSafeInteger(asked) || asked < (isEcr ? 1 : 0))) {
    const message = `n must be a whole number, but is ${JSON.stringify(n?.slice(0, 100))}`;
    return sendError(exchange, { status: 400, code: 'UNSUPPORTED', message });
  }
  if (isEcr && asked !== undefined && asked > ecrPage.max) {
    // google/go-containerregistry#681
    const message = `Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to ${ecrPage.max}'`;
    return sendError(exchange, { status: 405, code: 'UNSUPPORTED', message });
  }
  const last = exchange.query.get('last') ?? '';
  const size = asked ?? (isEcr ? ecrPage.default : Number.MAX_SAFE_INTEGER);
  const rest = [...repository.tags.keys()].filter((tag) => tag > last).sort();
  const tags = rest.slice(0, size);
  const next = tags.at(-1);
  const headers: Record<string, string> = {};
  if (next !== undefined && rest.length > tags.length) {
    const path = `/v2/${name}/tags/list?last=${encodeURIComponent(next)}&n=${size}`;
    headers.link = `<${isEcr ? exchange.origin : ''}${path}>; rel="next"`;
  }
  await exchange.sendJson(200, { name, tags }, headers);
}
