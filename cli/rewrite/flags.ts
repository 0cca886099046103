import type { ImagePath } from '../../core/rewrite/kinds/kubernetes.ts';
import type { FileKind } from '../../core/rewrite/kinds.ts';
import type { ApiFlags } from '../shared/api-command.ts';

/** What to do about images that are not mirrored. */
export const missingChoices = ['keep', 'fail', 'enqueue'] as const;
export type MissingChoice = (typeof missingChoices)[number];

/** What decides how references change; a plugin's configuration may set it as well. */
export interface RewriteSettings {
  api?: string;
  mapping?: string;
  region?: string;
  tags?: boolean;
  pullPolicy?: boolean;
  missing?: MissingChoice;
  imagePath?: ImagePath[];
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
