import { manifestAcceptHeader } from '../../core/oci/media-types.ts';
import { parseReference } from '../../core/oci/reference.ts';
import { DemoFailure, ensure } from './facts.ts';
import type { BuiltImage } from './image.ts';

/** What was pulled and found equal. */
export interface PulledImage {
  blobs: number;
  /** Bytes of manifest, config and layers. */
  bytes: number;
  /** For how many blobs the registry redirected the client. */
  redirects: number;
}

/**
 * Pulls an image over plain HTTP, as any client on this machine may, and compares each byte with
 * what was built.
 *
 * @param reference the image's location, from the mapping
 * @throws DemoFailure at the first difference
 */
export async function pullAndCompare(
  reference: string,
  image: BuiltImage,
  signal?: AbortSignal,
): Promise<PulledImage> {
  const { registry, repository, tag } = parseReference(reference);
  const base = `http://${registry}/v2/${repository}`;
  const manifest = await get(`${base}/manifests/${tag}`, { accept: manifestAcceptHeader }, signal);
  const type = manifest.headers.get('content-type');
  ensure(
    type === image.manifest.mediaType,
    `${reference} is a ${type}, and ${image.manifest.mediaType} was pushed`,
  );
  const told = manifest.headers.get('docker-content-digest');
  ensure(told === image.manifest.digest, `${reference} is ${told}, and ${image.manifest.digest} was pushed`);
  const pulled: PulledImage = { blobs: 0, redirects: 0, bytes: 0 };
  pulled.bytes += await compare(`the manifest of ${reference}`, manifest, image.manifest.bytes);
  for (const { name, descriptor, bytes } of [image.config, ...image.layers]) {
    const blob = await get(`${base}/blobs/${descriptor.digest}`, {}, signal);
    pulled.bytes += await compare(`the ${name} of ${reference}`, blob, bytes);
    pulled.blobs += 1;
    if (blob.redirected) pulled.redirects += 1;
  }
  return pulled;
}

async function get(url: string, headers: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(url, { headers, signal });
  if (response.status === 200) return response;
  throw new DemoFailure(
    `GET ${url} was answered ${response.status}: ${(await response.text()).slice(0, 500)}`,
  );
}

/** @returns how many bytes were equal: all of them */
async function compare(what: string, response: Response, expected: Uint8Array): Promise<number> {
  let position = 0;
  for await (const chunk of response.body ?? []) {
    const end = position + chunk.byteLength;
    const same = end <= expected.byteLength && Buffer.compare(chunk, expected.subarray(position, end)) === 0;
    ensure(same, `${what} differs from what was built between bytes ${position} and ${end}`);
    position = end;
  }
  ensure(
    position === expected.byteLength,
    `${what} has ${position} bytes, and ${expected.byteLength} were built`,
  );
  return position;
}
