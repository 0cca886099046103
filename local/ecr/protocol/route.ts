import type { HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';

/** A handler's input besides the exchange. */
export interface RouteInput {
  /** A valid name; the repository need not exist. */
  repository: string;
  /** The path's last variable part: reference, digest or upload id; not checked. */
  item: string;
}

/** Answers one request. */
export type RouteHandler = (
  context: RegistryContext,
  exchange: HttpExchange,
  input: RouteInput,
) => Promise<void>;
