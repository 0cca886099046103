import type { ExportFormat } from '../export.ts';
import type { FormatName } from '../format-names.ts';
import { containerd } from './containerd.ts';
import { csv } from './csv.ts';
import { imagemirror } from './imagemirror.ts';
import { json } from './json.ts';
import { kustomize } from './kustomize.ts';
import { kyverno } from './kyverno.ts';
import { kyvernoData } from './kyverno-data.ts';
import { openshift } from './openshift.ts';
import { registriesConf } from './registries-conf.ts';

/** Every format by its name. A new one is a file here, an entry here, and its description. */
export const formats: Readonly<Record<FormatName, ExportFormat>> = {
  json,
  csv,
  imagemirror,
  kustomize,
  containerd,
  'registries-conf': registriesConf,
  openshift,
  kyverno,
  'kyverno-data': kyvernoData,
};

export const exportFormats: readonly ExportFormat[] = Object.values(formats);

/** The format of a name, if there is one. */
export function exportFormat(name: string): ExportFormat | undefined {
  return exportFormats.find((format) => format.name === name);
}
