import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ECRClient, GetAccountSettingCommand } from '@aws-sdk/client-ecr';
import { type EmbeddedRegistry, startRegistry } from '../../local/ecr/server.ts';
import { bootstrap, credentials, type DeploymentOptions } from './cdk.ts';
import type { Deployment } from './deployment.ts';
import { type MiniStack, startMiniStack } from './ministack.ts';

/** The region of whatever has only one. */
export const homeRegion = 'eu-west-1';

/** What a mirror.yaml on the stage says. */
export interface StageConfig {
  /** The upstream's rules. */
  match?: string[];
  /** The sender of the upstream's webhooks. */
  source?: string;
  region?: string;
  /** The address of another upstream registry, with a webhook of its own; it is served, too. */
  second?: { registry: string; source: string; match: string[] };
}

/**
 * An emulated AWS account that the CDK was bootstrapped in, an embedded ECR, an upstream registry,
 * and a clock for the steps.
 *
 * Where MiniStack 1.5.33 differs from AWS:
 * - `Ref` of a secret is its name, not its ARN: both are good as an id, so the outputs that are
 *   ARNs hold names here.
 * - Generated secrets ignore ExcludePunctuation: the root may hold any ASCII character.
 * - API addresses are names below `localhost` (see Deployment.api).
 * - It answers OPTIONS itself, with 403: handshakes cannot be tried here.
 * - Functions run on this machine with MiniStack's environment below their own, so they reach
 *   loopback ports.
 * - Custom resources run: it calls the function and waits for the answer at the ResponseURL, which
 *   is its own port over HTTP. A function that throws is not run again, as Lambda does with
 *   CloudFormation's events.
 * - AUTH=true, which would enforce our IAM policies, refuses the CDK's own bootstrap roles (no
 *   aws:ResourceAccount).
 * - Its ECR has no registry protocol and holds no layers: the embedded one takes its place, and
 *   tells of its events through Deployment.deliverServiceEvent.
 */
export class Stage implements AsyncDisposable {
  readonly folder: string;
  readonly ministack: MiniStack;
  readonly mirror: EmbeddedRegistry;
  readonly upstream: EmbeddedRegistry;
  /** Who hears of the registry's events; before a deployment, nobody listens. */
  listener: Deployment | undefined;
  readonly #clock: Clock;

  private constructor(parts: Pick<Stage, 'folder' | 'ministack' | 'mirror' | 'upstream'> & { clock: Clock }) {
    this.folder = parts.folder;
    this.ministack = parts.ministack;
    this.mirror = parts.mirror;
    this.upstream = parts.upstream;
    this.#clock = parts.clock;
  }

  /** @param title what the steps belong to, for the list of their times */
  static async set(title: string, regions = [homeRegion]): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), 'drayage-deploy-'));
    const clock = new Clock(title);
    let stage: Stage | undefined;
    const mirror = await startRegistry({
      flavour: 'ecr',
      // As ECR tells EventBridge.
      events: (event) => {
        stage?.listener
          ?.deliverServiceEvent(event)
          .catch((error: Error) => process.stderr.write(`${error.message}\n`));
      },
    });
    const upstream = await startRegistry({ flavour: 'distribution' });
    const ministack = await clock.time('start the emulator', () => startMiniStack(join(folder, 'ministack')));
    stage = new Stage({ folder, ministack, mirror, upstream, clock });
    await clock.time('cdk bootstrap', () => bootstrap(stage.options('bootstrap'), regions));
    return stage;
  }

  /** Performs a step and notes how long it took. */
  async timed<T>(step: string, work: () => Promise<T>): Promise<T> {
    return await this.#clock.time(step, work);
  }

  /** What the CDK is called with, in a folder of its own. */
  options(name: string, config: StageConfig = {}): DeploymentOptions {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true });
    const configFile = join(folder, 'mirror.yaml');
    writeFileSync(configFile, this.#mirrorYaml(config));
    return {
      endpoint: this.ministack.endpoint,
      region: config.region ?? homeRegion,
      configFile,
      environment: { AWS_ENDPOINT_URL_ECR: this.mirror.endpoint },
      folder,
    };
  }

  #mirrorYaml({ match = ['acme/**'], source = 'github', region = homeRegion, second }: StageConfig): string {
    const upstream = (registry: string, sender: string, rules: string[]) => `
  - registry: ${registry}
    endpoint: ${this.upstream.endpoint}
    webhook: { source: ${sender} }
    repositories: [${rules.map((rule) => `{ match: ${rule} }`).join(', ')}]`;
    return `
version: 1
mirror: { regions: [${region}], repositoryPrefix: mirror }
upstreams:${upstream('ghcr.io', source, match)}${second ? upstream(second.registry, second.source, second.match) : ''}
`;
  }

  /** The registry's setting, as its API tells it. */
  async blobMounting(): Promise<string | undefined> {
    const ecr = this.ecr();
    try {
      return (await ecr.send(new GetAccountSettingCommand({ name: 'BLOB_MOUNTING' }))).value;
    } finally {
      ecr.destroy();
    }
  }

  /** A client of the mirror's API, for the caller to destroy. */
  ecr(): ECRClient {
    return new ECRClient({ endpoint: this.mirror.endpoint, region: homeRegion, credentials });
  }

  /** The end of what the emulator and the functions wrote, when a test has failed. */
  tellLog(): void {
    process.stderr.write(this.ministack.log().split('\n').slice(-200).join('\n'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ministack[Symbol.asyncDispose]();
    await this.mirror.stop();
    await this.upstream.stop();
    rmSync(this.folder, { recursive: true, force: true });
    this.#clock.print();
  }
}

/** How long the steps took. */
class Clock {
  readonly #title: string;
  readonly #times: [step: string, seconds: string][] = [];

  constructor(title: string) {
    this.#title = title;
  }

  async time<T>(step: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.#times.push([step, ((performance.now() - started) / 1_000).toFixed(2)]);
    return result;
  }

  print(): void {
    const width = Math.max(...this.#times.map(([step]) => step.length));
    const lines = this.#times.map(([step, seconds]) => `${step.padEnd(width)}  ${seconds.padStart(7)} s`);
    process.stdout.write(`\n${[this.#title, ...lines].join('\n')}\n`);
  }
}
