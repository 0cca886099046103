import type { AccessNeed } from '../access.ts';
import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { sendError } from './errors.ts';

/** Asks the access control, and answers a refused request. */
export async function admit(
  context: RegistryContext,
  exchange: HttpExchange,
  need: AccessNeed,
): Promise<boolean> {
  const decision = context.access(exchange, need);
  if (decision.allowed) return true;
  const { status, code, message, challenge } = decision;
  const headers = challenge === undefined ? undefined : { 'www-authenticate': challenge };
  await sendError(exchange, { status, code, message, ...(headers === undefined ? {} : { headers }) });
  return false;
}
