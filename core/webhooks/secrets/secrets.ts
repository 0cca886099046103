import { createHmac } from 'node:crypto';
import type { WebhookState, WebhookStates } from './state.ts';

/** The secrets of webhooks, in base64url; `presentSecret` writes them as senders are given them. */
export interface WebhookSecrets {
  /**
   * All secrets of a webhook that are valid now: the current one first, then those that are being
   * rotated out. What was read is believed for a while.
   *
   * @throws when they can't be had, which is a failure of ours and not of the sender's.
   */
  forWebhook(name: string): Promise<{ secrets: string[] }>;
  /**
   * The same read anew, for a proof that fits none: they may have been rotated just now. Undefined
   * where that was done too often lately, since anybody can send what does not fit.
   */
  reread(name: string): Promise<{ secrets: string[] } | undefined>;
}

/**
 * The roots of a deployment's webhook secrets. `previousRoot` counts as well for as long as it is
 * there.
 */
export interface SecretRoots {
  root: string;
  previousRoot?: string | undefined;
}

/**
 * Derives one of a deployment's secrets from its root, so that only the root must be kept:
 * HMAC-SHA256 of the purpose, keyed with the root, in base64url (43 characters, 256 bits, fit for a
 * path).
 *
 * @param root the deployment's root secret
 * @param purpose `webhook:<name>`, `token:reader`, `token:operator`: other purposes, other secrets
 */
export function deriveSecret(root: string, purpose: string): string {
  if (root === '') throw new Error('the root secret is empty, so everybody could derive the others');
  return createHmac('sha256', root).update(purpose, 'utf8').digest('base64url');
}

/**
 * A webhook's secret after so many rotations: of the purpose `webhook:<name>`, then
 * `webhook:<name>:1` and so on. A name holds no colon (`core/mirror-yaml/upstream-schema.ts`).
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
 * How long a secret that was let go at once may still be taken. Roots are read from Secrets
 * Manager, and believed for longer there.
 */
const believedMs = 30_000;
/**
 * What fits no secret of a webhook makes its secrets be read anew this often in a row, and then
 * once a second: each read is paid for. Each webhook is counted by itself, or rubbish for one would
 * keep another's rotation from being seen.
 */
const rereadBurst = 10;
const rereadEveryMs = 1_000;

/**
 * The secrets of a deployment: derived from its root, as often as the table says that they were
 * rotated.
 */
export class DeploymentSecrets implements WebhookSecrets {
  readonly #roots: (options: { fresh: boolean }) => Promise<SecretRoots>;
  readonly #states: Pick<WebhookStates, 'read'>;
  readonly #now: () => Date;
  /** Until when the re-reads of the past count, by webhook: each adds a second. */
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
    // Not before it is there: what is believed outlives a read that fails.
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
