import type { ExportFormat } from '../export.ts';
import { containerd } from './containerd.ts';
import { csv } from './csv.ts';
import { json } from './json.ts';
import { kustomize } from './kustomize.ts';
import { kyverno } from './kyverno.ts';
import { kyvernoData } from './kyverno-data.ts';
import { openshift } from './openshift.ts';
import { registriesConf } from './registries-conf.ts';

/** Every format. A new one is a file here and an entry in this list. */
export const exportFormats: readonly ExportFormat[] = [
  json,
  csv,
  kustomize,
  containerd,
  registriesConf,
  openshift,
  kyverno,
  kyvernoData,
];

/** The format of a name, if there is one. */
export function exportFormat(name: string): ExportFormat | undefined {
  return exportFormats.find((format) => format.name === name);
}
