import type { ExportFormat } from '../export.ts';
import { csv } from './csv.ts';
import { imagemirror } from './imagemirror.ts';
import { json } from './json.ts';

/** Every format. A new one is a file here and an entry in this list. */
export const exportFormats: readonly ExportFormat[] = [json, csv, imagemirror];

/** The format of a name, if there is one. */
export function exportFormat(name: string): ExportFormat | undefined {
  return exportFormats.find((format) => format.name === name);
}
