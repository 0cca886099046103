/** The options of benches, from the command line. */
export interface BenchOptions {
  /** Interleaved rounds; each bench has its own default. */
  rounds?: number;
  /** Names of peers besides ours; absent: all that are installed. */
  peers?: string[];
  /** Names of cases of `wire` or of `tags`; absent: all. */
  cases?: string[];
}

/** Measures something and reports it in Markdown. */
export type Bench = (options: BenchOptions) => Promise<string>;
