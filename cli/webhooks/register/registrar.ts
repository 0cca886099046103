import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';
import type { UpstreamClient } from './client.ts';

/** The outcome for a webhook at a place of the upstream. */
export type Outcome = 'created' | 'updated' | 'unchanged';

/** What to do at a place, after a look at it. Nothing has been written yet. */
export interface Plan {
  outcome: Outcome;
  /** Does it; not called with `--dry-run`, or if nothing changes. */
  apply(): Promise<void>;
}

/** A user's credentials for the upstream's API. */
export interface UpstreamCredentials {
  user?: string | undefined;
  /** A token, or the user's password. */
  token: string;
}

/**
 * Enters webhooks at one kind of upstream through its API. To add one, add a file beside this one
 * and a line in `index.ts`.
 */
export interface Registrar {
  sources: readonly string[];
  /** What `--at` names here. */
  placeForm: string;
  /** What the credentials must allow: shown when they don't. */
  permission: string;
  /** The address of a registry's API; undefined if the registry's name doesn't determine it. */
  endpoint(registry: string): string | undefined;
  /**
   * The headers of every request. Most registrars derive them from the credentials; some have to
   * log in first.
   *
   * @throws UsageError if the user’s name is missing
   */
  authorize(credentials: UpstreamCredentials, client: UpstreamClient): Promise<Record<string, string>>;
  /**
   * Where the webhook belongs, by its rules.
   *
   * @throws UsageError if they don't say
   */
  places(webhook: PresentedWebhook, client: UpstreamClient): Promise<string[]>;
  /**
   * Looks at a place, with GET only.
   *
   * @throws UsageError for a place that does not match {@link placeForm}
   */
  plan(place: string, webhook: PresentedWebhook, client: UpstreamClient): Promise<Plan>;
}

/** A plan with nothing to do. */
export const unchanged: Plan = { outcome: 'unchanged', apply: async () => {} };
