import { field } from '../../oci/json-field.ts';
import type { Authorizer, Rejection } from '../auth/authenticator.ts';
import { parseChallenges } from '../auth/challenge.ts';
import { CredentialKeeper, type CredentialSource } from '../auth/credentials.ts';
import { RegistryError } from '../errors.ts';
import type { Answer, CallOptions, Exchange } from '../exchange.ts';
import { nextLink } from '../operations/lists/links.ts';
import type { ListedTag } from '../operations/lists/tags.ts';
import { apiCall, listedTag, listPages, pageSize, readJson, type TagPage, totalOf } from './pages.ts';
import type { TagApi } from './tag-api.ts';

/**
 * The tags of a Harbor: those of its artifacts, a hundred at a time
 * (https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml, `listArtifacts`). The
 * artifacts of a proxy cache are only those that were pulled, while its distribution API lists all
 * tags of what it caches, so it is not asked.
 */
export class HarborTags implements TagApi {
  readonly #exchange: Exchange;
  /** By project. */
  readonly #isProxyCache = new Map<string, boolean>();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  async list(repository: string, options?: CallOptions): Promise<AsyncIterable<ListedTag> | undefined> {
    const [project, ...rest] = repository.split('/');
    if (project === undefined || rest.length === 0) return undefined;
    if (await this.#caches(project, repository, options)) return undefined;
    // A slash in a repository's name is encoded twice, according to the API's description.
    const path = `/api/v2.0/projects/${project}/repositories/${rest.join('%252F')}/artifacts`;
    const urlOf = (page: number) =>
      new URL(
        `${path}?q=${encodeURIComponent('tags=*')}&with_tag=true&page_size=${pageSize}&page=${page}`,
        this.#exchange.endpoint,
      );
    return listPages(this.#exchange, { repository, urlOf, read }, options);
  }

  /** Whether a project is a proxy cache: it then names the registry that it caches. */
  async #caches(project: string, repository: string, { signal }: CallOptions = {}): Promise<boolean> {
    const known = this.#isProxyCache.get(project);
    if (known !== undefined) return known;
    const call = { operation: 'read the project of', repository };
    const url = new URL(`/api/v2.0/projects/${project}`, this.#exchange.endpoint);
    const caches = await this.#exchange.perform({ ...apiCall, ...call, url, signal }, async (answer) => {
      const json = await readJson(this.#exchange, call, answer);
      if (field(json, 'name') !== project) {
        const reason = 'the answer is not the project';
        throw new RegistryError(this.#exchange.context(call), {
          code: 'ANSWER_INVALID',
          status: answer.status,
          reason,
        });
      }
      return Boolean(field(json, 'registry_id'));
    });
    this.#isProxyCache.set(project, caches);
    return caches;
  }
}

function read(json: unknown, answer: Answer): TagPage | undefined {
  if (!Array.isArray(json)) return undefined;
  const tags = json.flatMap((artifact) => {
    const digest = field(artifact, 'digest');
    const own = field(artifact, 'tags');
    return Array.isArray(own) ? own.flatMap((tag) => listedTag(field(tag, 'name'), digest)) : [];
  });
  const linked = nextLink(answer.header('link')).kind === 'next';
  const digests = json.map((artifact) => field(artifact, 'digest'));
  const count = answer.header('x-total-count');
  const total = totalOf(count === undefined ? undefined : Number(count), digests);
  // A proxy may remove the Link: a full page is then followed by another one, which may be empty.
  return { tags, more: json.length > 0 && (linked || json.length >= pageSize), total };
}

/** Whether a `GET /v2/` without a login was answered by a Harbor. */
export function isHarborChallenge(challenge: string | undefined): boolean {
  // https://github.com/goharbor/harbor/issues/12192 shows it.
  return parseChallenges(challenge).some(
    ({ scheme, parameters }) => scheme === 'bearer' && parameters.get('service') === 'harbor-registry',
  );
}

/**
 * The login of Harbor's API: Basic, with the first request, since it sends no challenge. The tokens
 * of its registry are not accepted there (https://github.com/goharbor/harbor/issues/9317).
 */
export class HarborLogin implements Authorizer {
  readonly #credentials: CredentialKeeper;

  constructor(source: CredentialSource | undefined) {
    this.#credentials = new CredentialKeeper(source);
  }

  authorization: Authorizer['authorization'] = (_scopes, context, signal) =>
    this.#credentials.header(context, signal);

  async answer({ sent, context, signal }: Rejection): Promise<string> {
    this.reject(sent);
    const header = sent === undefined ? undefined : await this.#credentials.header(context, signal);
    if (header !== undefined && header !== sent) return header;
    throw new RegistryError(context, {
      code: 'UNAUTHORIZED',
      status: 401,
      reason: 'Harbor’s API requires another login',
    });
  }

  reject(sent: string | undefined): void {
    if (sent !== undefined) this.#credentials.rejectHeader(sent);
  }

  secrets(sent: string | undefined): string[] {
    const header = sent?.slice(sent.indexOf(' ') + 1) ?? '';
    return [header, ...this.#credentials.secrets()].filter((secret) => secret.length >= 4);
  }
}
