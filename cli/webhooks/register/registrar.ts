import type { PresentedWebhook } from '../../../core/webhooks/present-webhook.ts';
import type { UpstreamClient } from './client.ts';

/** What becomes of a webhook at a place of the upstream. */
export type Outcome = 'created' | 'updated' | 'unchanged';

/** What is to be done at a place, after it was looked at. Nothing was written yet. */
export interface Plan {
  outcome: Outcome;
  /** Does it; not called by `--dry-run`, nor for what is unchanged. */
  apply(): Promise<void>;
}

/** What a user gave to get into the upstream's API. */
export interface UpstreamCredentials {
  user?: string | undefined;
  /** A token, or the user's password. */
  token: string;
}

/**
 * Enters webhooks at one kind of upstream through its API. A new one is a file beside this one and
 * a line in `index.ts`.
 */
export interface Registrar {
  sources: readonly string[];
  /** What `--at` names here. */
  placeForm: string;
  /** What the credentials must allow: said when they don't. */
  permission: string;
  /**
   * Where the API of a registry is; undefined where that can't be told from the registry's name.
   */
  endpoint(registry: string): string | undefined;
  /**
   * The headers that every request has. Most make them of what was given; some have to log in for
   * them.
   *
   * @throws UsageError where the user’s name is missing
   */
  authorize(credentials: UpstreamCredentials, client: UpstreamClient): Promise<Record<string, string>>;
  /**
   * Where the webhook belongs, by its rules.
   *
   * @throws UsageError where they don't tell
   */
  places(webhook: PresentedWebhook, client: UpstreamClient): Promise<string[]>;
  /**
   * Looks at a place, by GET alone.
   *
   * @throws UsageError for a place that has another form than {@link placeForm}
   */
  plan(place: string, webhook: PresentedWebhook, client: UpstreamClient): Promise<Plan>;
}

/** A plan that has nothing to do. */
export const unchanged: Plan = { outcome: 'unchanged', apply: async () => {} };
