import type { FileKind } from '../../core/rewrite/kinds.ts';
import type { ApiFlags } from '../shared/api-command.ts';

/** The options of `drayage discover`. */
export interface DiscoverFlags extends ApiFlags {
  check?: string;
  mapping?: string;
  region?: string;
  platform?: string[];
  prefix?: string;
  kubeconfig?: string;
  context?: string;
  as?: FileKind;
  imagePath?: string[];
}
