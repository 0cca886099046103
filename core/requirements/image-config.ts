import { readSmallBlob } from '../copy/blob/read-small.ts';
import type { CallOptions, ImageSource } from '../copy/ports.ts';
import { field } from '../oci/json-field.ts';
import type { ImageManifest } from '../oci/manifest.ts';
import type { Platform } from '../oci/platform.ts';

/** A larger config is not read: a real one has a few kilobytes. */
export const maxConfigBytes = 4 * 1024 * 1024;

/** What an image's config says, or why it says nothing. */
export type ReadConfig =
  | { kind: 'read'; labels: Map<string, string>; platform: Platform | undefined }
  | { kind: 'unreadable'; reason: string };

const configType = /^application\/vnd\.(?:oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/;

/**
 * Reads the config of an image from the upstream, and verifies its size and digest.
 *
 * @throws RegistryError if the upstream does not serve it: then nothing is known
 */
export async function readConfig(
  source: Pick<ImageSource, 'blob'>,
  { config }: ImageManifest,
  options: CallOptions,
): Promise<ReadConfig> {
  if (!configType.test(config.mediaType))
    return unreadable(`its config is ${JSON.stringify(config.mediaType)}, not that of a container image`);
  if (config.size > maxConfigBytes)
    return unreadable(`its config has ${config.size} bytes, more than the ${maxConfigBytes} that are read`);
  const bytes = await readSmallBlob(source, config, options);
  if (bytes === undefined)
    return unreadable(`what the upstream serves as its config is not ${config.digest}`);
  return parse(bytes);
}

/** https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md */
function parse(bytes: Uint8Array): ReadConfig {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return unreadable('its config is not JSON in UTF-8');
  }
  const labels = new Map<string, string>();
  for (const [name, value] of entriesOf(field(field(body, 'config'), 'Labels')))
    if (typeof value === 'string') labels.set(name, value);
  const [os, architecture, variant] = ['os', 'architecture', 'variant'].map((name) => field(body, name));
  const platform =
    typeof os === 'string' && typeof architecture === 'string'
      ? { os, architecture, ...(typeof variant === 'string' && { variant }) }
      : undefined;
  return { kind: 'read', labels, platform };
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

function unreadable(reason: string): ReadConfig {
  return { kind: 'unreadable', reason };
}
