import { ECRClient, GetAuthorizationTokenCommand } from '@aws-sdk/client-ecr';
import { digestOf } from '../../core/oci/digest.ts';

/** The registry of the account and region that the SDK's own settings name. */
export interface LiveRegistry {
  ecr: ECRClient;
  /** Such as https://111122223333.dkr.ecr.eu-west-1.amazonaws.com. */
  endpoint: string;
  /** Requests a path below /v2/ with a login; never follows redirects. */
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>;
}

export interface RequestOptions {
  headers?: Record<string, string>;
  body?: Uint8Array;
}

/** What ECR answered. */
export interface Answer {
  status: number;
  headers: Headers;
  /** The `code` of the first error in the body. */
  code: string | undefined;
}

/** Logs in with the credentials that the SDK finds. The login stays in memory. */
export async function openRegistry(region: string): Promise<LiveRegistry> {
  // One attempt: a retry would hide what ECR answers.
  const ecr = new ECRClient({ region, maxAttempts: 1 });
  const { authorizationData } = await ecr.send(new GetAuthorizationTokenCommand({}));
  const { authorizationToken, proxyEndpoint } = authorizationData?.[0] ?? {};
  if (!authorizationToken || !proxyEndpoint) throw new Error('GetAuthorizationToken returned no login');
  return {
    ecr,
    endpoint: proxyEndpoint,
    async request(method, path, { headers = {}, body } = {}) {
      const url = new URL(path, `${proxyEndpoint}/v2/`);
      // A Location may name any host; the login is for the registry only.
      if (url.origin !== new URL(proxyEndpoint).origin) throw new Error(`${method} leads to ${url.origin}`);
      const response = await fetch(url, {
        method,
        redirect: 'manual',
        headers: { ...headers, authorization: `Basic ${authorizationToken}` },
        signal: AbortSignal.timeout(60_000),
        ...(body && { body: Buffer.from(body) }),
      });
      return { status: response.status, headers: response.headers, code: codeIn(await response.text()) };
    },
  };
}

function codeIn(text: string): string | undefined {
  try {
    return JSON.parse(text).errors?.[0]?.code;
  } catch {
    return undefined;
  }
}

/** Starts an upload. @returns its path */
export async function startUpload(registry: LiveRegistry, repository: string): Promise<string> {
  const { status, headers } = await registry.request('POST', `${repository}/blobs/uploads/`);
  const location = headers.get('location');
  if (status !== 202 || !location) throw new Error(`POST of an upload was answered ${status}`);
  return location;
}

/** Uploads a blob by POST and PUT. */
export async function putBlob(registry: LiveRegistry, repository: string, body: Uint8Array): Promise<Answer> {
  const upload = new URL(await startUpload(registry, repository), registry.endpoint);
  upload.searchParams.set('digest', digestOf(body));
  const headers = { 'content-type': 'application/octet-stream' };
  return await registry.request('PUT', upload.href, { headers, body });
}

export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const indexType = 'application/vnd.oci.image.index.v1+json';

/** Puts a manifest under a tag or its digest. */
export async function putManifest(
  registry: LiveRegistry,
  repository: string,
  manifest: object,
  tag?: string,
): Promise<Answer & { digest: string; body: string }> {
  const body = JSON.stringify(manifest);
  const digest = digestOf(Buffer.from(body));
  const answer = await registry.request('PUT', `${repository}/manifests/${tag ?? digest}`, {
    headers: { 'content-type': (manifest as { mediaType: string }).mediaType },
    body: Buffer.from(body),
  });
  return { ...answer, digest, body };
}

/** The descriptor of a blob. */
export function descriptor(mediaType: string, bytes: Uint8Array) {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

/** Uploads a config and a layer, and makes a manifest of them, which nobody has put yet. */
export async function makeImage(registry: LiveRegistry, repository: string, layer: Uint8Array, seed: string) {
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', author: seed }));
  for (const blob of [config, layer]) {
    const { status, code } = await putBlob(registry, repository, blob);
    if (status !== 201) throw new Error(`PUT of a blob was answered ${status} ${code ?? ''}`);
  }
  return {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  };
}
