import type { Platform } from '../../core/oci/platform.ts';

/** The options of `drayage verify`, as they are parsed. */
export interface VerifyFlags {
  config: string;
  platform?: Platform[];
  json?: boolean;
  key?: string;
  issuer?: string;
  identity?: string;
  trustedRoot?: string;
  type?: string;
  plainHttp?: boolean;
  caFile?: string;
}
