import type { Reference } from '../../core/oci/reference.ts';

/** The options of `drayage init`. */
export interface InitOptions {
  config: string;
  region: string;
  from: Reference[];
  force: boolean;
}
