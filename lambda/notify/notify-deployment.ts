import { SecretReader } from '../../core/aws/secrets.ts';
import { MessageSender } from '../../core/aws/sqs/message-sender.ts';
import type { Config, NotifyEndpoint } from '../../core/config/config.ts';
import { endpointConnections } from '../../core/notify/connections.ts';
import type { Connections } from '../../core/registry/transport/connections.ts';
import { Environment } from '../shared/environment.ts';
import type { VisibilityQueue } from '../shared/messages.ts';
import { outsideNetwork } from '../shared/outside-network.ts';

/**
 * What the notify function needs, as configured by its environment. It has neither table nor mirror
 * queue.
 */
export class NotifyDeployment {
  readonly #environment: Environment;
  readonly #connections = new Map<string, Connections>();
  #config: Config | undefined;
  #queue: VisibilityQueue | undefined;
  #secrets: SecretReader | undefined;

  /** @param env `process.env`, or in a test a plain object; it is not read yet. */
  constructor(env: NodeJS.ProcessEnv) {
    this.#environment = new Environment(env);
  }

  /** The queue of events on their way to the endpoints. */
  get queue(): VisibilityQueue {
    this.#queue ??= new MessageSender(this.#environment.text('DRAYAGE_NOTIFY_QUEUE_URL'));
    return this.#queue;
  }

  /** Pauses between attempts are at most this long, in seconds; absent: they grow as deployed. */
  get retrySeconds(): number | undefined {
    return this.#environment.optionalNumber('DRAYAGE_RETRY_SECONDS', { mayBeZero: true });
  }

  /** The endpoint of this name; undefined if the configuration has none any more. */
  endpoint(name: string): NotifyEndpoint | undefined {
    return this.#configured.notify?.find((endpoint) => endpoint.name === name);
  }

  /**
   * What to sign with: the secret's `secret`, and its `previousSecret` while it has one.
   *
   * @throws SecretError
   */
  async secretsOf({ secret: name }: NotifyEndpoint): Promise<string[]> {
    this.#secrets ??= new SecretReader();
    const secret = await this.#secrets.readField(name, 'secret');
    const { previousSecret } = await this.#secrets.read(name);
    return typeof previousSecret === 'string' && previousSecret !== '' ? [secret, previousSecret] : [secret];
  }

  /** Connections are kept for the next event. */
  connectionsTo({ name, url }: NotifyEndpoint): Connections {
    const kept = this.#connections.get(name);
    if (kept) return kept;
    const made = endpointConnections(new URL(url), outsideNetwork(this.#configured));
    this.#connections.set(name, made);
    return made;
  }

  get #configured(): Config {
    this.#config ??= this.#environment.config();
    return this.#config;
  }
}
