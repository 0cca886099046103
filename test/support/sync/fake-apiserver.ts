import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import { imageMirrorDefinition } from '../../../core/exports/manifests/admission-policy/image-mirror-crd.ts';

/** Stores ImageMirror objects as a kube-apiserver with their definition does. */
export interface FakeApiserver extends AsyncDisposable {
  origin: string;
  /** The repositories of each object, by its name. */
  objects: Map<string, Record<string, string>>;
  /** `PATCH main`, in their order; only those that changed something. */
  changes: string[];
}

const schema = imageMirrorDefinition.spec.versions[0]?.schema.openAPIV3Schema.properties.spec;
const pattern = new RegExp(schema?.properties.repositories.additionalProperties.pattern ?? '^$');

/** Starts it. It takes only the requests that the CronJob’s role allows. */
export async function startFakeApiserver(): Promise<FakeApiserver> {
  const objects = new Map<string, Record<string, string>>();
  const changes: string[] = [];
  const server = createServer(async (request, response) => {
    const status = await handle(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(`{"code":${status}}`);
  });

  async function handle(request: IncomingMessage): Promise<number> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://any');
    const name = /^\/apis\/drayage\.dev\/v1\/imagemirrors\/(main(?:-\d+)?)$/.exec(pathname)?.[1];
    if (request.headers.authorization !== 'Bearer secret-of-kube') return 401;
    if (name === undefined || Number(name.slice(5)) > 16) return 403;
    if (request.method === 'DELETE') {
      if (name === 'main') return 403;
      if (!objects.delete(name)) return 404;
      changes.push(`DELETE ${name}`);
      return 200;
    }
    if (request.method !== 'PATCH') return 405;
    if (request.headers['content-type'] !== 'application/apply-patch+yaml') return 415;
    if (searchParams.get('fieldManager') !== 'drayage' || searchParams.get('force') !== 'true') return 400;
    return apply(name, await text(request));
  }

  function apply(name: string, body: string): number {
    let object: Record<string, unknown>;
    try {
      object = parse(body);
    } catch {
      return 400;
    }
    const { metadata, spec } = object as {
      metadata?: { name?: string };
      spec?: { repositories?: Record<string, string> };
    };
    const repositories = spec?.repositories ?? {};
    const values = Object.values(repositories);
    if (metadata?.name !== name || object.kind !== 'ImageMirror') return 400;
    if (values.length === 0 || !values.every((value) => pattern.test(value))) return 422;
    if (JSON.stringify(objects.get(name)) !== JSON.stringify(repositories)) changes.push(`PATCH ${name}`);
    objects.set(name, repositories);
    return 200;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    changes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
