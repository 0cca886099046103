import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { admit } from './admit.ts';
import { refuseMethod } from './errors.ts';
import { readPage } from './pages.ts';

/**
 * `GET /v2/_catalog`: the names of all repositories.
 * https://distribution.github.io/distribution/spec/api/#listing-repositories
 */
export async function listRepositories(context: RegistryContext, exchange: HttpExchange): Promise<void> {
  if (exchange.method !== 'GET') return refuseMethod(exchange, ['GET']);
  if (!(await admit(context, exchange, { kind: 'catalog' }))) return;
  const names = context.catalog.repositories().map(({ name }) => name);
  const page = await readPage(context, exchange, '/v2/_catalog', names);
  if (page !== undefined) await exchange.sendJson(200, { repositories: page.items }, page.headers);
}
