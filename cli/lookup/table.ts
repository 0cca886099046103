import type { Mapping } from '../../core/mapping/record.ts';
import { formatAge, formatBytes } from '../shared/format.ts';
import { formatTable } from '../terminal/table.ts';
import { lineWidth } from '../terminal/wrap.ts';

/**
 * Mappings as a table with a heading, within the width of a terminal. Those of a file may lack what
 * is only information.
 */
export function mappingsTable(
  mappings: readonly Mapping[],
  stream: Pick<NodeJS.WriteStream, 'isTTY' | 'columns'>,
  now: number = Date.now(),
): string[] {
  if (mappings.length === 0) return [];
  const rows = mappings.map(({ image, mirror, digest, platforms = [], sizeBytes = 0, mirroredAt, pin }) => [
    image,
    mirror,
    pin ? `${digest} pinned` : digest,
    formatBytes(sizeBytes),
    mirroredAt === undefined ? '' : formatAge(mirroredAt, now),
    platforms.join(' '),
  ]);
  return formatTable([['IMAGE', 'MIRROR', 'DIGEST', 'SIZE', 'MIRRORED', 'PLATFORMS'], ...rows], {
    align: 'lllrll',
    width: lineWidth(stream),
    leaveOut: [5, 4, 3],
  });
}
