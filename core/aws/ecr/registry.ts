import type { ECRClient } from '@aws-sdk/client-ecr';
import type { MirrorConfig } from '../../config/config.ts';
import type { CheckpointStore } from '../../copy/blob/checkpoints.ts';
import type { CallOptions } from '../../copy/ports.ts';
import { type EcrClientConfig, ecrClient } from './call.ts';
import { EcrRepository } from './repository.ts';
import { EcrSessions } from './session.ts';

export interface EcrRegistryOptions {
  /** Where uploads in parts are recorded; without it, repositories offer none. */
  checkpoints?: CheckpointStore;
  /** Is told the name of each repository that was created. */
  onCreated?: (repositoryName: string) => void;
  /** Is told of each request to the registry, and of each call of its API. */
  onRequest?: EcrClientConfig['onRequest'];
}

/** The ECR registry of one region: its API for control, its distribution endpoint for data. */
export class EcrRegistry {
  readonly region: string;
  readonly #ecr: ECRClient;
  readonly #sessions: EcrSessions;
  readonly #settings: MirrorConfig['repository'];
  readonly #options: EcrRegistryOptions;

  constructor(region: string, settings: MirrorConfig['repository'], options: EcrRegistryOptions = {}) {
    this.region = region;
    this.#ecr = ecrClient({ region, onRequest: options.onRequest });
    this.#sessions = new EcrSessions(this.#ecr, `Amazon ECR in ${region}`, options);
    this.#settings = settings;
    this.#options = options;
  }

  /** The registry's host, as image references name it. */
  async host(options?: CallOptions): Promise<string> {
    return (await this.#sessions.open(options)).host;
  }

  /** One repository as a destination of copies; it is created when it is first needed. */
  async repository(name: string, options?: CallOptions): Promise<EcrRepository> {
    const access = { ...this.#options, ecr: this.#ecr, sessions: this.#sessions, settings: this.#settings };
    return new EcrRepository(access, await this.host(options), name);
  }

  async close(): Promise<void> {
    await this.#sessions.close();
    this.#ecr.destroy();
  }
}
