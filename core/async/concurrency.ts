/** How many of something are carried at once, which may change meanwhile. */
export interface Concurrency {
  readonly value: number;
  /** Calls back after each change; returns how to stop that. */
  onChange(listener: () => void): () => void;
}
