/** What the command line says about how benches are run. */
export interface BenchOptions {
  /** Interleaved rounds; each bench has its own default. */
  rounds?: number;
  /** Names of peers besides ours; all that are installed without. */
  peers?: string[];
  /** Names of cases of `wire` or of `tags`; all without. */
  cases?: string[];
}

/** Measures something and tells it in Markdown. */
export type Bench = (options: BenchOptions) => Promise<string>;
