import type { Authorizer } from './auth/authenticator.ts';
import { parseChallenges } from './auth/challenge.ts';
import { repositoryScope, type Scope } from './auth/scopes.ts';
import { answeredProblem, failureCode } from './connection-problem.ts';
import { type OperationContext, RegistryError, type Side } from './errors.ts';
import { brokenError, maxErrorBytes, type RefusedAnswer, refusedError } from './failures.ts';
import { OtherRegistries } from './other-registries.ts';
import { type PullLimit, pullLimitOf } from './pull-permits.ts';
import { closedForMs } from './rate-limits.ts';
import type { RefusedFeatures } from './refused-features.ts';
import { type RetryPolicy, withRetries } from './retry.ts';
import type { StreamLimit } from './stream-limit.ts';
import { BodyTooLargeError, discard, readBeginning } from './transport/body.ts';
import { redirectRefused, UploadMovedError, writeRedirectRefused } from './transport/redirect-errors.ts';
import { isRedirect, nextHop, repeatsMethod } from './transport/redirects.ts';
import type { HttpAnswer, HttpRequest, Transport, Work } from './transport/transport.ts';
import { isTrusted, type RegistryHosts } from './transport/trusted-hosts.ts';

/** Options of every operation. */
export interface CallOptions {
  /** Cancels: the operation then rejects at once with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** One operation on the registry, as its file describes it. */
export interface Call extends CallOptions {
  /** In words, for errors: `get manifest`. */
  operation: string;
  method: HttpRequest['method'];
  url: URL;
  scopes: readonly Scope[];
  repository?: string;
  reference?: string;
  headers?: Record<string, string>;
  /** Bytes can be sent again. A stream cannot: it is tried once, without following a challenge. */
  body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** The statuses that the operation handles; all others are errors. */
  expect: readonly number[];
  /** What a 404 means when it is an error: `MANIFEST_UNKNOWN`. */
  unknownCode: string;
  /**
   * Whether a temporary failure is retried here: GET, HEAD, and operations that start something
   * new.
   */
  retry: boolean;
  /**
   * How much longer retries continue after too many requests than after other failures; default 1.
   */
  patience?: number;
  /** What the registry must do before it can answer; default nothing. */
  work?: Work;
}

/** An answer with a status that the operation expects. */
export interface Answer extends HttpAnswer {
  /** The URL that answered, after redirects. */
  url: URL;
  /**
   * Whether a redirect or an upload location led to another host than the endpoint's: its text is
   * not quoted in our messages.
   */
  away: boolean;
}

/** The result of a request, after redirects. */
interface Arrival extends Answer {
  /** The Authorization that was sent first. */
  sent: string | undefined;
}

export interface ExchangeOptions {
  side: Side;
  registry: string;
  hosts: RegistryHosts;
  transport: Transport;
  authenticator: Authorizer;
  retry: RetryPolicy;
  /** Learns how quickly the registry answers, and when it refuses. */
  streams: StreamLimit;
  /** What the registry refuses; operations add to it. */
  refused: RefusedFeatures;
  /** Called when the registry asks not to receive requests for some time, in milliseconds. */
  onClosed?: ((ms: number) => void) | undefined;
  /** Called when an answer says how many pulls are left. */
  onPullLimit?: ((limit: PullLimit) => void) | undefined;
}

/**
 * How often a challenge is followed for one request: for an expired token, and for a scope that was
 * not enough.
 */
const maxChallenges = 2;

/** Carries out calls: authorization, redirects, retries, and errors with their context. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #others: OtherRegistries;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#others = new OtherRegistries(options.transport);
  }

  get endpoint(): URL {
    return this.#options.hosts.endpoint;
  }

  get hosts(): RegistryHosts {
    return this.#options.hosts;
  }

  get refused(): RefusedFeatures {
    return this.#options.refused;
  }

  /**
   * The scope for reading a repository. For the mirror's, it also allows writing: a copy that
   * checks what is there writes next, and a different scope would need another token, and so
   * another round trip or two.
   */
  readScope(repository: string): Scope {
    return this.#options.side === 'mirror'
      ? repositoryScope(repository, 'pull', 'push')
      : repositoryScope(repository, 'pull');
  }

  /** The context of an error that an operation raises itself. */
  context(call: Pick<Call, 'operation' | 'repository' | 'reference'>): OperationContext {
    const { side, registry } = this.#options;
    const context: OperationContext = { side, registry, operation: call.operation };
    if (call.repository !== undefined) context.repository = call.repository;
    if (call.reference !== undefined) context.reference = call.reference;
    return context;
  }

  /**
   * Sends a call and hands the answer to `consume`, whose failures (a body that breaks off) are
   * retried like those of the request. `consume` reads, discards or keeps the body. If it throws,
   * the body is destroyed.
   */
  async perform<T>(call: Call, consume: (answer: Answer) => T | Promise<T>): Promise<T> {
    const attempt = () => this.#attempt(call, consume);
    const { retry, signal, patience } = call;
    try {
      return await (retry ? withRetries(attempt, this.#options.retry, { signal, patience }) : attempt());
    } catch (error) {
      call.signal?.throwIfAborted();
      throw error;
    }
  }

  async #attempt<T>(call: Call, consume: (answer: Answer) => T | Promise<T>): Promise<T> {
    call.signal?.throwIfAborted();
    const answer = await this.#authorized(call);
    if (!call.expect.includes(answer.status)) throw await this.#refused(call, answer);
    try {
      return await consume(answer);
    } catch (error) {
      answer.body.destroy();
      throw this.#explain(call, error, 'the answer broke off');
    }
  }

  /** The answer after authorization: a remaining 401 is final. */
  async #authorized(call: Call): Promise<Arrival> {
    const { authenticator, hosts } = this.#options;
    const { scopes, signal } = call;
    const context = this.context(call);
    // Other hosts (an upload location) get no credentials, and their challenges are ignored.
    if (!isTrusted(call.url, hosts)) return await this.#followed(call, undefined);
    let authorization = await authenticator.authorization(scopes, context, signal);
    for (let challenges = 0; ; challenges += 1) {
      const answer = await this.#followed(call, authorization);
      if (answer.status !== 401 || challenges === maxChallenges || isStreamed(call.body)) return answer;
      if (answer.away) return isRead(call) ? await this.#asAnyone(call, answer) : answer;
      discard(answer.body);
      const challenge = answer.header('www-authenticate');
      authorization = await authenticator.answer({ challenge, sent: authorization, scopes, context, signal });
    }
  }

  /**
   * Sends the request to a registry that a read was redirected to, and that requires its own token:
   * with an anonymous token from its own realm, without credentials (lscr.io and the gateways of
   * scarf.sh redirect to other registries:
   * https://github.com/google/go-containerregistry/issues/2360).
   */
  async #asAnyone(call: Call, answer: Arrival): Promise<Arrival> {
    const challenge = answer.header('www-authenticate');
    if (!parseChallenges(challenge).some(({ scheme }) => scheme === 'bearer')) return answer;
    discard(answer.body);
    const { signal } = call;
    const other = this.#others.at(answer.url, call.repository);
    const authorization = await other.answer({
      challenge,
      sent: undefined,
      scopes: [],
      context: this.context(call),
      signal,
    });
    return await this.#followed({ ...call, url: answer.url }, authorization);
  }

  /**
   * Sends the request and follows redirects: reads to any host, writes only to the registry's own
   * hosts. Once a redirect leads to another host, Authorization is not sent any more.
   */
  async #followed(call: Call, sent: string | undefined): Promise<Arrival> {
    const { method, body, work, signal } = call;
    const chain = [call.url];
    let url = call.url;
    let away = !isTrusted(call.url, this.hosts);
    let authorization = sent;
    for (;;) {
      const headers = { ...call.headers };
      if (authorization !== undefined) headers.authorization = authorization;
      const request: HttpRequest = { method, url, headers, signal };
      if (body !== undefined) request.body = body;
      if (work !== undefined) request.work = work;
      const answer = await this.#send(call, request);
      const follows = isRead(call) ? isRedirect(answer.status) : repeatsMethod(answer.status);
      if (!follows) return { ...answer, url, sent, away };
      discard(answer.body);
      const next = nextHop(this.hosts, chain, answer.header('location'));
      if (!next.ok) throw redirectRefused(this.context(call), answer.status, next);
      const trusted = !away && isTrusted(next.url, this.hosts);
      if (!isRead(call)) {
        if (!trusted) throw writeRedirectRefused(this.context(call), answer.status, next.url);
        if (isStreamed(body)) throw new UploadMovedError(this.context(call), answer.status, next.url);
      } else if (!trusted && !(away && next.sameOrigin)) {
        authorization = await this.#others
          .known(next.url, call)
          ?.authorization([], this.context(call), signal);
      }
      away ||= !trusted;
      url = next.url;
      chain.push(url);
    }
  }

  async #send(call: Call, request: HttpRequest): Promise<HttpAnswer> {
    const begun = performance.now();
    try {
      const answer = await this.#options.transport(request);
      this.#learn(request, answer, performance.now() - begun);
      return answer;
    } catch (error) {
      throw this.#explain(call, error, request.url);
    }
  }

  /**
   * Learns only from the registry's own answers: hosts that it redirects to (downloads, tokens)
   * have other limits.
   */
  #learn({ url, body }: HttpRequest, { status, header }: HttpAnswer, ms: number): void {
    const { streams, onClosed, onPullLimit } = this.#options;
    if (url.origin !== this.endpoint.origin) return;
    if (status === 429) streams.throttled();
    // The time of an answer to a request with a body includes the upload.
    else if (status < 400 && body === undefined) streams.answered(ms);
    const closedMs = closedForMs(status, header, Date.now());
    if (closedMs !== undefined) onClosed?.(closedMs);
    const limit = pullLimitOf(header);
    if (limit !== undefined) onPullLimit?.(limit);
  }

  async #refused(call: Call, answer: Arrival): Promise<RegistryError> {
    const { authenticator } = this.#options;
    const { status, sent } = answer;
    const body = await readBeginning(answer.body, maxErrorBytes);
    call.signal?.throwIfAborted();
    const refused: RefusedAnswer = { status, retryAfter: answer.header('retry-after'), body };
    if (answer.away) {
      refused.by = `${answer.url.host}, where the registry sent the request,`;
      refused.untrusted = true;
      refused.remedy = `the registry sends requests to ${answer.url.host}, which refuses them: try again; if the error persists, ask the registry’s operator`;
    } else refused.problem = answeredProblem(status, body, answer.url);
    const secrets = authenticator.secrets(sent);
    if (status === 401 && !answer.away) {
      authenticator.reject(sent, call.scopes);
      // The stream is used up, but a caller that can start it again will use a new token. (If the
      // token could not be renewed, none was sent.)
      if (isStreamed(call.body)) refused.temporary = true;
    }
    return refusedError(this.context(call), refused, call.unknownCode, secrets);
  }

  /** Connection errors get their context; errors of our own code stay as they are. */
  #explain(call: Call, error: unknown, what: string | URL): unknown {
    call.signal?.throwIfAborted();
    if (error instanceof RegistryError) return error;
    if (error instanceof BodyTooLargeError) {
      return new RegistryError(this.context(call), { code: 'ANSWER_TOO_LARGE', reason: error.message });
    }
    return failureCode(error) === '' ? error : brokenError(this.context(call), error, what);
  }
}

function isRead({ method }: Call): boolean {
  return method === 'GET' || method === 'HEAD';
}

function isStreamed(body: Call['body']): boolean {
  return body !== undefined && !(body instanceof Uint8Array);
}
