/** What a deployment stores about a webhook. Times are ISO 8601. */
export interface WebhookState {
  /** How often its secret was rotated; 0 at first. */
  generation: number;
  /** Earlier secrets that are still accepted. */
  retired: RetiredSecret[];
  /** When the secret was last rotated. */
  rotatedAt?: string;
  /** When something authentic last arrived; pings and ignored deliveries count. */
  deliveredAt?: string;
  /** When a delivery last led to a job. */
  acceptedAt?: string;
  /** When a delivery was last refused, and why; its sender has proven nothing. */
  refusedAt?: string;
  refusedFor?: string;
}

/** An earlier secret, and until when it is accepted. */
export interface RetiredSecret {
  generation: number;
  until: string;
}

/** The state of a webhook that the table has no item of. */
export const newWebhookState: WebhookState = { generation: 0, retired: [] };

/** When deliveries arrived. */
export type WebhookArrivals = Partial<
  Pick<WebhookState, 'deliveredAt' | 'acceptedAt' | 'refusedAt' | 'refusedFor'>
>;

/** The states of webhooks, kept in the table. */
export interface WebhookStates {
  /** A webhook's state; {@link newWebhookState} if there is none. */
  read(name: string): Promise<WebhookState>;
  /** All states in the table, by the webhook's name. */
  list(): Promise<Map<string, WebhookState>>;
  /**
   * Makes the next secret the current one.
   *
   * @param from the state that the caller read
   * @returns the new state; undefined if somebody else has rotated in the meantime
   */
  rotate(
    name: string,
    from: WebhookState,
    retired: RetiredSecret[],
    now: Date,
  ): Promise<WebhookState | undefined>;
  /** Records when something arrived. */
  note(name: string, arrivals: WebhookArrivals): Promise<void>;
}
