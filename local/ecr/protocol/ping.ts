import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { admit } from './admit.ts';
import { refuseMethod } from './errors.ts';

/** `GET /v2/`: shows that this is a registry, and how to log in. */
export async function ping(context: RegistryContext, exchange: HttpExchange): Promise<void> {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return refuseMethod(exchange, ['GET', 'HEAD']);
  if (await admit(context, exchange, { kind: 'ping' })) await exchange.sendJson(200, {});
}
