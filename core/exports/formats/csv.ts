import type { Mapping } from '../../mapping/record.ts';
import type { ExportFormat } from '../export.ts';

const columns = [
  'image',
  'mirror',
  'digest',
  'pinned',
  'sourceDigest',
  'mediaType',
  'platforms',
  'sizeBytes',
  'pin',
  'observedAt',
  'mirroredAt',
  'revision',
  'job',
] as const satisfies (keyof Mapping)[];

/**
 * A table for spreadsheets and scripts (RFC 4180), with a line of names; platforms are separated by
 * spaces.
 */
export const csv: ExportFormat = {
  name: 'csv',
  contentType: 'text/csv; charset=utf-8; header=present',
  async *render(mappings) {
    yield `${columns.join(',')}\r\n`;
    for await (const mapping of mappings) {
      yield `${columns.map((column) => field(mapping[column])).join(',')}\r\n`;
    }
  },
};

function field(value: string | number | boolean | string[]): string {
  const text = harmless(Array.isArray(value) ? value.join(' ') : String(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Spreadsheets take what begins with one of these for a formula. Platforms and media types come
 * from whoever pushed the image. https://owasp.org/www-community/attacks/CSV_Injection
 */
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
