import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { sendError } from './errors.ts';

/**
 * ECR's page size if the client gives none (genuinetools/reg#206), and the largest that it accepts.
 */
const ecrPage = { default: 100, max: 1000 };

/** A part of a list, and the headers with the location of the rest. */
interface Page {
  items: string[];
  headers: Record<string, string>;
}

/**
 * The requested page of a list: `n` items in lexical order, with the next page in the `Link` header
 * (RFC 8288).
 *
 * @param path the path of the list
 * @returns undefined if the request was refused and answered
 */
export async function readPage(
  context: RegistryContext,
  exchange: HttpExchange,
  path: string,
  all: string[],
): Promise<Page | undefined> {
  const isEcr = context.flavour === 'ecr';
  const n = exchange.query.get('n');
  const asked = n === null ? undefined : Number(n);
  if (asked !== undefined && (!Number.isSafeInteger(asked) || asked < (isEcr ? 1 : 0))) {
    const message = `n must be a whole number, but is ${JSON.stringify(n?.slice(0, 100))}`;
    await sendError(exchange, { status: 400, code: 'UNSUPPORTED', message });
    return undefined;
  }
  if (isEcr && asked !== undefined && asked > ecrPage.max) {
    // google/go-containerregistry#681
    const message = `Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to ${ecrPage.max}'`;
    await sendError(exchange, { status: 405, code: 'UNSUPPORTED', message });
    return undefined;
  }
  const last = exchange.query.get('last') ?? '';
  const size = asked ?? (isEcr ? ecrPage.default : Number.MAX_SAFE_INTEGER);
  const rest = all.filter((item) => item > last).sort();
  const items = rest.slice(0, size);
  const next = items.at(-1);
  const headers: Record<string, string> = {};
  if (next !== undefined && rest.length > items.length) {
    const query = `?last=${encodeURIComponent(next)}&n=${size}`;
    headers.link = `<${isEcr ? exchange.origin : ''}${path}${query}>; rel="next"`;
  }
  return { items, headers };
}
