import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Digest } from '../../core/oci/digest.ts';

/** The tags of each repository, and what they point to. */
export type UpstreamTags = ReadonlyMap<string, ReadonlyMap<string, Digest>>;

/** Requests by what was asked. */
export interface Asked {
  catalog: number;
  /** Pages of `tags/list`. */
  tagPages: number;
  /** Pages with digests, as Docker Hub's API lists them. */
  digestPages: number;
  heads: number;
  others: number;
}

/** A registry without images: it lists tags, and says what they point to. */
export interface SimulatedUpstream extends AsyncDisposable {
  endpoint: string;
  asked: Asked;
  /** All requests so far. */
  total(): number;
  reset(): void;
}

const mediaType = 'application/vnd.oci.image.index.v1+json';
const none = (): Asked => ({ catalog: 0, tagPages: 0, digestPages: 0, heads: 0, others: 0 });

/**
 * Serves lists and HEADs as a distribution registry does, and tags with digests as Docker Hub's API
 * does. Pages are read from the tags anew each time.
 *
 * @param listsDigests whether `tags/list` has digests, as at Google's registries
 */
export async function startSimulatedUpstream(
  tags: UpstreamTags,
  { listsDigests = false } = {},
): Promise<SimulatedUpstream> {
  const upstream = { asked: none() };
  const server = createServer((request, response) => {
    const kind = answer(request, response, { tags, listsDigests });
    upstream.asked[kind] += 1;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    endpoint,
    get asked() {
      return upstream.asked;
    },
    total: () => Object.values(upstream.asked).reduce((sum, count) => sum + count, 0),
    reset() {
      upstream.asked = none();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function answer(
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
  { tags, listsDigests }: { tags: UpstreamTags; listsDigests: boolean },
): keyof Asked {
  const { pathname, searchParams } = new URL(url, 'http://upstream');
  const hub = /^\/v2\/namespaces\/([^/]+)\/repositories\/([^/]+)\/tags$/.exec(pathname);
  if (hub) {
    sendHubPage(response, tags.get(`${hub[1]}/${hub[2]}`), Number(searchParams.get('page')));
    return 'digestPages';
  }
  const list = /^\/v2\/(.+)\/tags\/list$/.exec(pathname);
  if (list || pathname === '/v2/_catalog') {
    const held = tags.get(list?.[1] ?? '');
    const names = list ? held?.keys() : tags.keys();
    const digests = listsDigests ? held : undefined;
    sendList(response, pathname, { names, isTags: list !== null, digests, query: searchParams });
    return list ? 'tagPages' : 'catalog';
  }
  const manifest = /^\/v2\/(.+)\/manifests\/([^/]+)$/.exec(pathname);
  const digest = tags.get(manifest?.[1] ?? '')?.get(manifest?.[2] ?? '');
  if (method === 'HEAD' && manifest && digest !== undefined) {
    response.writeHead(200, {
      'content-type': mediaType,
      'docker-content-digest': digest,
      'content-length': '1000',
    });
    response.end();
    return 'heads';
  }
  response.writeHead(404).end();
  return 'others';
}

function sendHubPage(
  response: ServerResponse,
  held: ReadonlyMap<string, Digest> | undefined,
  page: number,
): void {
  const size = 100;
  const all = [...(held ?? [])];
  const results = all
    .slice((page - 1) * size, page * size)
    .map(([name, digest]) => ({ name, digest, media_type: mediaType }));
  const next = page * size < all.length ? `http://elsewhere.example/?page=${page + 1}` : null;
  sendJson(response, { count: all.length, next, previous: null, results });
}

interface SentList {
  /** Undefined: there is no such repository. */
  names: Iterable<string> | undefined;
  isTags: boolean;
  /** Sent, too, where the registry lists them. */
  digests: ReadonlyMap<string, Digest> | undefined;
  query: URLSearchParams;
}

function sendList(response: ServerResponse, path: string, { names, isTags, digests, query }: SentList): void {
  if (names === undefined) {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN', message: 'unknown' }] }));
    return;
  }
  const [last = '', size] = [query.get('last') ?? '', Number(query.get('n') ?? 1_000)];
  const sorted = [...names].sort();
  const begin = last === '' ? 0 : sorted.indexOf(last) + 1;
  const page = sorted.slice(begin, begin + size);
  const more = begin + size < sorted.length;
  const link = `<${path}?n=${size}&last=${page.at(-1)}>; rel="next"`;
  const manifest = digests && {
    manifest: Object.fromEntries(page.map((tag) => [digests.get(tag) ?? '', { mediaType, tag: [tag] }])),
  };
  const body = isTags ? { name: path, tags: page, ...manifest } : { repositories: page };
  sendJson(response, body, more ? { link } : {});
}

function sendJson(response: ServerResponse, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
