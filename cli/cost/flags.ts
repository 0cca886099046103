/** The options of `drayage cost`, as they are parsed. */
export interface CostFlags {
  config?: string;
  region?: string;
  pushes: number[];
  copied: number;
  kept: number;
  mappings: number;
  prices?: string;
  json: boolean;
}
