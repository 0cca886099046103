/** What a deployment remembers of a webhook. Times are ISO 8601. */
export interface WebhookState {
  /** How often its secret was rotated; 0 at first. */
  generation: number;
  /** Secrets before the current one that are still taken. */
  retired: RetiredSecret[];
  /** When the secret was rotated last. */
  rotatedAt?: string;
  /** When something authentic came last: a ping and a delivery that was ignored count. */
  deliveredAt?: string;
  /** When a delivery last led to a job. */
  acceptedAt?: string;
  /** When a delivery was refused last, and why; whoever sent it did not prove anything. */
  refusedAt?: string;
  refusedFor?: string;
}

/** A secret that is taken until then. */
export interface RetiredSecret {
  generation: number;
  until: string;
}

/** What a webhook is like that nobody has written about. */
export const newWebhookState: WebhookState = { generation: 0, retired: [] };

/** When deliveries came. */
export type WebhookArrivals = Partial<
  Pick<WebhookState, 'deliveredAt' | 'acceptedAt' | 'refusedAt' | 'refusedFor'>
>;

/** The states of webhooks, kept in the table. */
export interface WebhookStates {
  /** A webhook's; {@link newWebhookState} if there is none. */
  read(name: string): Promise<WebhookState>;
  /** Those of all webhooks that something is known of, by name. */
  list(): Promise<Map<string, WebhookState>>;
  /**
   * Makes the next secret the current one.
   *
   * @param from the state that the caller read
   * @returns the state after it; undefined where somebody else rotated meanwhile
   */
  rotate(
    name: string,
    from: WebhookState,
    retired: RetiredSecret[],
    now: Date,
  ): Promise<WebhookState | undefined>;
  /** Notes when something came. */
  note(name: string, arrivals: WebhookArrivals): Promise<void>;
}
