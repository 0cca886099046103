import type { SeededImage, SeededIndex, SeededManifest } from './seeded-image.ts';

/** How {@link pushImage} sends its requests. */
export interface PushOptions {
  /** The whole header value, such as `Basic …`. */
  authorization?: string;
}

async function failed(step: string, response: Response): Promise<Error> {
  return new Error(`${step} was answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
}

function headersOf(
  { authorization }: PushOptions,
  more: Record<string, string> = {},
): Record<string, string> {
  return authorization === undefined ? more : { ...more, authorization };
}

/** Pushes one blob by POST and PUT, unless the repository has it. */
export async function pushBlob(
  endpoint: string,
  repository: string,
  digest: string,
  bytes: Uint8Array,
  options: PushOptions = {},
): Promise<void> {
  const base = `${endpoint}/v2/${repository}/blobs`;
  const head = await fetch(`${base}/${digest}`, { method: 'HEAD', headers: headersOf(options) });
  if (head.ok) return;
  const post = await fetch(`${base}/uploads/`, { method: 'POST', headers: headersOf(options) });
  if (post.status !== 202) throw await failed(`POST ${base}/uploads/`, post);
  await post.arrayBuffer();
  const location = new URL(post.headers.get('location') ?? '', `${base}/uploads/`);
  location.searchParams.set('digest', digest);
  const put = await fetch(location, {
    method: 'PUT',
    headers: headersOf(options, { 'content-type': 'application/octet-stream' }),
    body: Buffer.from(bytes),
  });
  if (put.status !== 201) throw await failed(`PUT of blob ${digest} into ${repository}`, put);
  await put.arrayBuffer();
}

/** Pushes one manifest under a tag or its digest. */
export async function pushManifest(
  endpoint: string,
  repository: string,
  reference: string,
  manifest: SeededManifest,
  options: PushOptions = {},
): Promise<void> {
  const put = await fetch(`${endpoint}/v2/${repository}/manifests/${reference}`, {
    method: 'PUT',
    headers: headersOf(options, { 'content-type': manifest.mediaType }),
    body: Buffer.from(manifest.bytes),
  });
  if (put.status !== 201) throw await failed(`PUT of manifest ${repository}:${reference}`, put);
  await put.arrayBuffer();
}

/**
 * Pushes an image or an index by plain fetch: blobs, then children, then the manifest itself.
 * @param endpoint such as http://127.0.0.1:5000
 * @param tag undefined pushes by digest
 * @throws Error with the step, the status and the body
 */
export async function pushImage(
  endpoint: string,
  repository: string,
  tag: string | undefined,
  image: SeededImage | SeededIndex,
  options: PushOptions = {},
): Promise<void> {
  for (const [digest, bytes] of image.blobs) await pushBlob(endpoint, repository, digest, bytes, options);
  for (const child of image.kind === 'index' ? image.children : []) {
    await pushManifest(endpoint, repository, child.manifest.digest, child.manifest, options);
  }
  await pushManifest(endpoint, repository, tag ?? image.manifest.digest, image.manifest, options);
}
