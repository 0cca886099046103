import { RepositoryGoneError } from '../catalog.ts';
import { BodyTooLargeError, type HttpExchange } from '../http-exchange.ts';
import type { RegistryContext } from '../registry-context.ts';
import { isRepositoryName } from '../repository-names.ts';
import { admit } from './admit.ts';
import { deleteBlob, getBlob } from './blobs.ts';
import { nameUnknown, refuseMethod, sendError } from './errors.ts';
import { deleteManifest, getManifest, putManifestOver } from './manifests.ts';
import { ping } from './ping.ts';
import { listReferrers } from './referrers.ts';
import { listRepositories } from './repositories.ts';
import type { RouteHandler } from './route.ts';
import { listTags } from './tags.ts';
import { deleteUpload, getUpload, patchUpload, putUpload, startUpload } from './uploads.ts';

interface Route {
  pattern: RegExp;
  methods: Partial<Record<string, { need: 'pull' | 'push' | 'delete'; handle: RouteHandler }>>;
}

const pull = (handle: RouteHandler) => ({ need: 'pull' as const, handle });
const push = (handle: RouteHandler) => ({ need: 'push' as const, handle });
const remove = (handle: RouteHandler) => ({ need: 'delete' as const, handle });

/**
 * Names may contain words such as `blobs`: the pattern matches the longest name, so the last such
 * word counts.
 */
const routes: Route[] = [
  { pattern: /^\/v2\/(.+)\/blobs\/uploads\/()$/, methods: { POST: push(startUpload) } },
  {
    pattern: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/,
    methods: {
      GET: push(getUpload),
      PATCH: push(patchUpload),
      PUT: push(putUpload),
      DELETE: push(deleteUpload),
    },
  },
  {
    pattern: /^\/v2\/(.+)\/blobs\/([^/]+)$/,
    methods: { GET: pull(getBlob), HEAD: pull(getBlob), DELETE: remove(deleteBlob) },
  },
  {
    pattern: /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    methods: {
      GET: pull(getManifest),
      HEAD: pull(getManifest),
      PUT: push(putManifestOver),
      DELETE: remove(deleteManifest),
    },
  },
  { pattern: /^\/v2\/(.+)\/tags\/list()$/, methods: { GET: pull(listTags) } },
  { pattern: /^\/v2\/(.+)\/referrers\/([^/]+)$/, methods: { GET: pull(listReferrers) } },
];

/** Answers a request of the registry protocol: everything under `/v2/`. */
export async function routeProtocol(context: RegistryContext, exchange: HttpExchange): Promise<void> {
  const path = decodePath(exchange.path);
  if (path === '/v2/' || path === '/v2') return ping(context, exchange);
  if (path === '/v2/_catalog') return listRepositories(context, exchange);
  for (const { pattern, methods } of routes) {
    const match = path === undefined ? null : pattern.exec(path);
    if (match === null) continue;
    const [, repository = '', item = ''] = match;
    const route = methods[exchange.method];
    if (route === undefined) return refuseMethod(exchange, Object.keys(methods));
    if (!isRepositoryName(context.flavour, repository)) {
      const message = `invalid repository name ${JSON.stringify(repository.slice(0, 300))}`;
      return sendError(exchange, { status: 400, code: 'NAME_INVALID', message });
    }
    if (!(await admit(context, exchange, { kind: route.need, repository, ...sourceOf(exchange) }))) return;
    try {
      return await route.handle(context, exchange, { repository, item });
    } catch (error) {
      if (error instanceof RepositoryGoneError) return sendError(exchange, nameUnknown(context, repository));
      if (!(error instanceof BodyTooLargeError)) throw error;
      return sendError(exchange, { status: 413, code: 'SIZE_INVALID', message: error.message });
    }
  }
  await sendError(exchange, { status: 404, code: 'UNKNOWN', message: 'there is nothing at this address' });
}

/** A mount also pulls from the repository that it names. */
function sourceOf(exchange: HttpExchange): { from?: string } {
  const from = exchange.method === 'POST' && exchange.query.has('mount') ? exchange.query.get('from') : null;
  return from === null ? {} : { from };
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
