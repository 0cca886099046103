import type { FileKind } from '../../core/rewrite/kinds.ts';
import type { ApiFlags } from '../shared/api-command.ts';

/** What to do about images that are not mirrored. */
export type MissingChoice = 'keep' | 'fail' | 'enqueue';

/** What decides how references change; a plugin's configuration may set it as well. */
export interface RewriteSettings {
  api?: string;
  mapping?: string;
  region?: string;
  tags?: boolean;
  pullPolicy?: boolean;
  missing?: MissingChoice;
  /** `KIND=path`, where else references stand. */
  imagePath?: string[];
}

/** The options of `drayage rewrite`. */
export interface RewriteFlags extends ApiFlags, RewriteSettings {
  as?: FileKind;
  check?: boolean;
  diff?: boolean;
  write?: boolean;
  krm?: boolean;
  pluginConfig?: string;
}
