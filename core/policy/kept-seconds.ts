import type { Config } from '../config/config.ts';
import { selectImage } from './select-image.ts';

/**
 * How long a digest can still be looked up after no tag points to it any longer: for the history,
 * and for as long as retention keeps its image anyway.
 */
export function keptSeconds(config: Config, place: { registry: string; repository: string }): number {
  const { registry, repository } = place;
  const selection = selectImage(config, { registry, repository });
  const kept = selection.mirrored ? (selection.rule.retention?.unmappedForSeconds ?? 0) : 0;
  return Math.max(config.mirror.historySeconds, kept);
}
