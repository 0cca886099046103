/** The options of `drayage local`. */
export interface LocalFlags {
  config: string;
  port: number;
  data?: string;
  auth: boolean;
  secrets?: string;
}
