import type { PresentedWebhook } from '../../core/webhooks/present-webhook.ts';
import { RequestError } from '../api/request-error.ts';
import { UsageError } from '../shared/usage-error.ts';
import { UpstreamClient } from './register/client.ts';
import type { Outcome, Registrar, UpstreamCredentials } from './register/registrar.ts';

/** A webhook, and the registrar that enters it. */
export interface Registration {
  webhook: PresentedWebhook;
  registrar: Registrar;
  /** Address of the upstream's API. */
  endpoint: string;
}

/** The outcome for a webhook at a place. */
export type PlaceResult = { place: string } & ({ outcome: Outcome } | { error: Failure });

/** What went wrong, and what helps. */
export interface Failure {
  message: string;
  remedy?: string;
}

/** What a run should do. */
export interface EnterOptions {
  credentials: UpstreamCredentials;
  /** Places from the command line; if empty, those of the webhook's rules. */
  at: readonly string[];
  /** Only look; write nothing. */
  dryRun: boolean;
}

/**
 * Enters a webhook at its upstream. A failure at one place does not affect the others.
 *
 * @param onResult called after each place
 * @throws UsageError if the only place, or the option that determines the places, is invalid;
 *   RequestError if the places can't be determined
 */
export async function enterWebhook(
  { webhook, registrar, endpoint }: Registration,
  { credentials, at, dryRun }: EnterOptions,
  onResult: (result: PlaceResult) => void,
): Promise<void> {
  const client = new UpstreamClient(endpoint, secretsOf(webhook, credentials), (error) =>
    adviceFor(error, registrar),
  );
  client.use(await registrar.authorize(credentials, client).catch((error) => throwFor(webhook.name, error)));
  const places = at.length > 0 ? at : await registrar.places(webhook, client);
  for (const place of places) {
    try {
      const plan = await registrar.plan(place, webhook, client);
      if (!dryRun && plan.outcome !== 'unchanged') await plan.apply();
      onResult({ place, outcome: plan.outcome });
    } catch (error) {
      // What was written at other places must be reported, too.
      const isOneOfSeveral = error instanceof UsageError && places.length > 1;
      onResult({ place, error: isOneOfSeveral ? { message: error.message } : failureOf(error) });
    }
  }
}

/** Throws the error; a usage error gets the webhook's name, since there may be several. */
function throwFor(name: string, error: unknown): never {
  throw error instanceof UsageError ? new UsageError(`${name}: ${error.message}`) : error;
}

/** A failed request as a result. @throws anything else */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof RequestError)) throw error;
  const { message, remedy } = error;
  return { message, ...(remedy !== undefined && { remedy }) };
}

function secretsOf(
  { url, secret, authentication }: PresentedWebhook,
  { token }: UpstreamCredentials,
): string[] {
  const pathToken = authentication.kind === 'path-token' ? url.slice(url.lastIndexOf('/') + 1) : undefined;
  return [token, secret, pathToken].filter((each) => each !== undefined);
}

function adviceFor({ status }: RequestError, { permission, placeForm }: Registrar): string | undefined {
  switch (status) {
    case 401:
      return `the upstream does not accept the credentials: check DRAYAGE_UPSTREAM_TOKEN and --user; ${permission}`;
    case 403:
      return permission;
    case 404:
      return `check the place (--at: ${placeForm}) and --endpoint; ${permission}`;
    case 429:
      return 'the upstream’s rate limit is reached: try again later';
    default:
      return undefined;
  }
}
