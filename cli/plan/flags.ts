import type { SyncFlags } from '../sync/flags.ts';

/** The options of `drayage plan`, as they are parsed. */
export type PlanFlags = Pick<SyncFlags, 'config' | 'to' | 'json' | 'secrets' | 'dstPlainHttp' | 'caFile'>;
