import { createHmac } from 'node:crypto';
import type { WebhookState, WebhookStates } from './state.ts';

/** The secrets of webhooks, in base64url; `presentSecret` brings them into the sender's form. */
export interface WebhookSecrets {
  /**
   * All secrets of a webhook that are valid now: the current one first, then those that are being
   * rotated out. Cached for a while.
   *
   * @throws if they can't be read, which is our failure and not the sender's.
   */
  forWebhook(name: string): Promise<{ secrets: string[] }>;
  /**
   * Reads them again, for a proof that matches none: they may just have been rotated. Undefined if
   * that was done too often lately, since anybody can send a proof that does not match.
   */
  reread(name: string): Promise<{ secrets: string[] } | undefined>;
}

/**
 * The roots of a deployment's webhook secrets. `previousRoot` counts as well while it is present.
 */
export interface SecretRoots {
  root: string;
  previousRoot?: string | undefined;
}

/**
 * Derives one of a deployment's secrets from its root, so that only the root has to be stored:
 * HMAC-SHA256 of the purpose, keyed with the root, in base64url (43 characters, 256 bits, safe in a
 * path).
 *
 * @param root the deployment's root secret
 * @param purpose `webhook:<name>`, `token:reader`, `token:operator`: each has a secret of its own
 */
export function deriveSecret(root: string, purpose: string): string {
  if (root === '') throw new Error('the root secret is empty, so everybody could derive the others');
  return createHmac('sha256', root).update(purpose, 'utf8').digest('base64url');
}

/**
 * A webhook's secret after the given number of rotations. Its purpose is `webhook:<name>`, then
 * `webhook:<name>:1` and so on. A name has no colon (`core/mirror-yaml/upstream-schema.ts`).
 */
export function webhookSecret(root: string, name: string, generation: number): string {
  return deriveSecret(root, generation === 0 ? `webhook:${name}` : `webhook:${name}:${generation}`);
}

/** The secrets of a webhook that are valid at a time, the current one first. */
export function validSecrets(
  { root, previousRoot }: SecretRoots,
  name: string,
  { generation, retired }: Pick<WebhookState, 'generation' | 'retired'>,
  now: Date,
): string[] {
  const kept = retired.filter(({ until }) => Date.parse(until) > now.getTime());
  const generations = [generation, ...kept.map((each) => each.generation)];
  return [root, ...(previousRoot ? [previousRoot] : [])].flatMap((each) =>
    generations.map((number) => webhookSecret(each, name, number)),
  );
}

/**
 * How long secrets are cached, and so how long one that was revoked may still be accepted. Roots
 * come from Secrets Manager, and are cached longer where they are read.
 */
const believedMs = 30_000;
/**
 * A proof that matches no secret makes us read the webhook's secrets again, this often in a row and
 * then once a second: each read costs money. Each webhook is counted on its own, so that rubbish
 * sent to one does not hide another's rotation.
 */
const rereadBurst = 10;
const rereadEveryMs = 1_000;

/**
 * The secrets of a deployment, derived from its root and from the numbers of rotations in the
 * table.
 */
export class DeploymentSecrets implements WebhookSecrets {
  readonly #roots: (options: { fresh: boolean }) => Promise<SecretRoots>;
  readonly #states: Pick<WebhookStates, 'read'>;
  readonly #now: () => Date;
  /** By webhook: until when past re-reads count. Each adds a second. */
  readonly #rereadUntil = new Map<string, number>();
  readonly #read = new Map<string, { at: number; value: Promise<[SecretRoots, WebhookState]> }>();

  constructor(
    roots: (options: { fresh: boolean }) => Promise<SecretRoots>,
    states: Pick<WebhookStates, 'read'>,
    now: () => Date = () => new Date(),
  ) {
    this.#roots = roots;
    this.#states = states;
    this.#now = now;
  }

  async forWebhook(name: string): Promise<{ secrets: string[] }> {
    const known = this.#read.get(name);
    const isNew = known !== undefined && this.#now().getTime() - known.at < believedMs;
    return await this.#secrets(name, isNew ? known.value : this.#remember(name));
  }

  async reread(name: string): Promise<{ secrets: string[] } | undefined> {
    const now = this.#now().getTime();
    const until = Math.max(now, this.#rereadUntil.get(name) ?? 0) + rereadEveryMs;
    if (until - now > rereadBurst * rereadEveryMs) return undefined;
    this.#rereadUntil.set(name, until);
    const value = this.#ask(name, { fresh: true });
    const secrets = await this.#secrets(name, value);
    // Only after it has succeeded: a failed read keeps the cached value.
    this.#read.set(name, { at: now, value });
    return secrets;
  }

  #remember(name: string): Promise<[SecretRoots, WebhookState]> {
    const entry = { at: this.#now().getTime(), value: this.#ask(name, { fresh: false }) };
    this.#read.set(name, entry);
    entry.value.catch(() => {
      if (this.#read.get(name) === entry) this.#read.delete(name);
    });
    return entry.value;
  }

  #ask(name: string, options: { fresh: boolean }): Promise<[SecretRoots, WebhookState]> {
    return Promise.all([this.#roots(options), this.#states.read(name)]);
  }

  async #secrets(name: string, asked: Promise<[SecretRoots, WebhookState]>): Promise<{ secrets: string[] }> {
    const [roots, state] = await asked;
    return { secrets: validSecrets(roots, name, state, this.#now()) };
  }
}
