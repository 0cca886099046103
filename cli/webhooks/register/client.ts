import * as z from 'zod';
import { nextLink } from '../../../core/registry/operations/lists/links.ts';
import { type ApiAnswer, type ApiRequest, exchange } from '../../api/exchange.ts';
import { readJson, refusal } from '../../api/read-answer.ts';
import { RequestError } from '../../api/request-error.ts';

/** Nobody has that many webhooks or repositories; an endless list is hostile. */
const maxPages = 200;

/** A client of an upstream's own API, confined to one base address. */
export class UpstreamClient {
  /** Without a slash at its end; may have a path. */
  readonly endpoint: string;
  readonly #secrets: string[];
  readonly #advice: (error: RequestError) => string | undefined;
  #headers: Record<string, string> = {};

  /**
   * @param secrets must not be shown, even if an answer repeats them
   * @param advice what helps after an unsuccessful answer
   */
  constructor(
    endpoint: string,
    secrets: readonly string[],
    advice: (error: RequestError) => string | undefined = () => undefined,
  ) {
    this.endpoint = endpoint;
    this.#secrets = [...secrets];
    this.#advice = advice;
  }

  /** Adds these headers to all later requests, and hides their values. */
  use(headers: Record<string, string>): void {
    this.#headers = headers;
    for (const value of Object.values(headers)) this.#secrets.push(value, value.replace(/^\w+ /, ''));
  }

  async get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return (await this.#read('GET', this.#url(path), schema)).value;
  }

  /** Like `get`; undefined if there is no such thing (404). */
  async find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      return await this.get(path, schema);
    } catch (error) {
      if (error instanceof RequestError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** All pages of a list, following the `Link` header (RFC 8288). */
  list<T>(path: string, item: z.ZodType<T>): Promise<T[]> {
    return this.pages(path, z.array(item), (items, answer) => {
      const link = nextLink(answer.headers.get('link') ?? undefined);
      if (link.kind === 'unintelligible')
        throw new Error(`${path}: the answer has a Link that can’t be parsed, so the list may be incomplete`);
      return { items, next: link.kind === 'next' ? link.target : undefined };
    });
  }

  /** All pages of a list whose pages contain the next one's address. */
  async pages<P, T>(
    path: string,
    schema: z.ZodType<P>,
    read: (page: P, answer: ApiAnswer) => { items: T[]; next: string | null | undefined },
  ): Promise<T[]> {
    const items: T[] = [];
    let url: URL | undefined = this.#url(path);
    for (let page = 0; url !== undefined; page += 1) {
      if (page === maxPages) throw new RequestError(`GET ${path} has more than ${maxPages} pages`);
      const { value, answer } = await this.#read('GET', url, schema);
      const { items: more, next } = read(value, answer);
      items.push(...more);
      url = next ? this.#follow(next, url) : undefined;
    }
    return items;
  }

  /** Sends something to be stored. */
  async write(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<void> {
    await this.#send(method, this.#url(path), body);
  }

  /** Like `write`, for an answer that matters. */
  async send<T>(
    method: 'POST' | 'PUT' | 'PATCH',
    path: string,
    body: unknown,
    schema: z.ZodType<T>,
  ): Promise<T> {
    return (await this.#read(method, this.#url(path), schema, body)).value;
  }

  async #read<T>(method: ApiRequest['method'], url: URL, schema: z.ZodType<T>, body?: unknown) {
    const { request, answer } = await this.#send(method, url, body);
    return { value: readJson(request, answer, schema), answer };
  }

  async #send(method: ApiRequest['method'], url: URL, body?: unknown) {
    const request: ApiRequest = { method, url, body, headers: this.#headers, secrets: this.#secrets };
    const answer = await exchange(request);
    if (answer.status >= 200 && answer.status < 300) return { request, answer };
    const error = refusal(request, answer);
    const remedy = error.remedy ?? this.#advice(error);
    throw remedy === undefined ? error : error.withRemedy(remedy);
  }

  /**
   * A name from a list must not escape its place in a path: a hook called `..` would be its
   * repository.
   */
  #url(path: string): URL {
    if (path.split(/[/?]/).some((part) => part === '.' || part === '..'))
      throw new RequestError(`${path} contains an invalid name`);
    return new URL(`${this.endpoint}${path}`);
  }

  /**
   * The next page, which must be at the same address as the last: the request carries the
   * credentials.
   */
  #follow(next: string, from: URL): URL {
    const url = URL.canParse(next, from.href) ? new URL(next, from) : undefined;
    if (url?.origin === from.origin && url.username === '' && url.password === '') return url;
    throw new RequestError(`the next page of ${from.origin}${from.pathname} is at another address`, {
      remedy: 'give the address that the API uses for itself with --endpoint',
    });
  }
}

/** A number or text that identifies something in a path. */
export const idSchema = z.union([z.number(), z.string().min(1)]).transform((id) => encodeURIComponent(id));

/** `owner/name` for a path: each part encoded separately. */
export function pathOf(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}
