import type { RemovalPolicy } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Config } from '../core/config/config.ts';
import type { Authority } from '../core/config/verification.ts';
import { defaultFanOutBytes } from '../core/jobs/layers/hand-out.ts';
import type { ExistingSecrets } from './deployment-secrets.ts';
import { type Deployment, existingProblems, keyProblems } from './existing-problems.ts';
import type { ApiThrottle } from './mirror-api.ts';

/** Settings of an image mirror. The configuration says what is mirrored, and where to. */
export interface ImageMirrorProps {
  /** The configuration: `mirror.yaml`, as `loadConfig` reads it. */
  readonly config: Config;

  /**
   * What happens to the table, the snapshot and the deployment's secrets when the stack is deleted.
   * Mirror repositories always stay: the mirror function creates them, not the stack.
   *
   * @default RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: they stay, unless the first deployment
   *   fails, which leaves nothing behind
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * A table to use instead of a new one, for example after a restore from a backup: in the same
   * region and account. Its keys must be the strings `pk` and `sk`, its time-to-live attribute
   * `expiresAt`; a restore does not bring the latter back, so turn it on.
   * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableFromBackup.html
   * If a customer managed key encrypts it, import it with that key (`Table.fromTableAttributes`),
   * so that the functions may use the key.
   *
   * @default - the mirror creates one
   */
  readonly table?: ITable;

  /**
   * Secrets in the same region to use instead of new ones: with those of an earlier deployment, its
   * webhooks and tokens stay valid. Each holds `{"root": "<64 random characters>"}`.
   *
   * @default - the mirror creates those that are left out
   */
  readonly secrets?: ExistingSecrets;

  /**
   * A customer managed key that encrypts the table, the queues, the bucket, the secrets and the log
   * groups that the mirror creates: a symmetric key in the same region. The policy of an imported
   * key needs two statements, which docs/security.md has. It can be set later; nothing is replaced.
   *
   * @default - the configuration's `encryption.kmsKey`; without it, keys that AWS owns or manages
   */
  readonly encryptionKey?: IKey;

  /**
   * Whether to turn on blob mounting in the ECR registry of the account and region. Layers that
   * several images share are then copied once for all repositories. The setting affects the whole
   * registry, including images that are not mirrored. Without it, every mirror repository gets its
   * own copy.
   *
   * @default true
   */
  readonly blobMounting?: boolean;

  /**
   * How long the logs of the functions and of the API are kept.
   *
   * @default RetentionDays.ONE_MONTH
   */
  readonly logRetention?: RetentionDays;

  /**
   * Memory of the mirror function and of the layer function in MB, 512 to 10,240. Layers are
   * streamed, so the size of an image does not matter: 16 streams over TLS take 220 MB, whatever
   * their size. More memory buys CPU: a gigabyte costs 5.4 s of it, including TLS on both sides, so
   * 1,024 MB (0.58 of a vCPU) carry some 100 MB/s, more than the 50 to 90 MB/s that a function's
   * network reportedly provides.
   * https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
   *
   * @default 1024
   */
  readonly mirrorMemorySize?: number;

  /**
   * How many mirror jobs run at once, 2 to 1,000. Jobs of one mirror repository always run in turn.
   *
   * @default 10
   */
  readonly maxConcurrency?: number;

  /**
   * How many large layers are copied at once, 2 to 1,000; each is a separate stream into ECR. The
   * account's limit of concurrent executions (1,000 by default) must cover these and the mirror
   * jobs, and whatever else runs in the account.
   *
   * @default 20
   */
  readonly layerConcurrency?: number;

  /**
   * Whether to reserve one concurrent execution for the snapshot function, so that no second one
   * builds the same snapshot. Lambda refuses that in an account whose limit of concurrent
   * executions is still 10, as in some new accounts: `below its minimum value of [10]`. Ask for a
   * higher limit, or write false; two snapshot functions at once do no harm, they only cost twice.
   * https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
   *
   * @default true
   */
  readonly reserveConcurrency?: boolean;

  /**
   * The least size, in bytes, at which the layers of an image are copied by separate layer jobs, if
   * several of that size are missing. Smaller ones are copied with their image.
   *
   * @default 134217728 (128 MiB)
   */
  readonly fanOutBytes?: number;

  /**
   * How many requests the API accepts before it answers 429.
   *
   * @default 500 requests a second, bursts of 1,000
   */
  readonly throttle?: ApiThrottle;

  /**
   * Additional environment variables for every function, for example `AWS_ENDPOINT_URL_ECR`.
   *
   * @default none
   */
  readonly environment?: Record<string, string>;
}

/** The settings with every default filled in. */
export interface ImageMirrorSettings
  extends Required<Omit<ImageMirrorProps, 'config' | OptionalProps>>,
    Pick<ImageMirrorProps, OptionalProps> {}

type OptionalProps = 'removalPolicy' | 'table' | 'secrets' | 'encryptionKey';

/** The props are invalid; `problems` lists each problem with what to write instead. */
export class InvalidImageMirrorPropsError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the image mirror can't be built:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'InvalidImageMirrorPropsError';
    this.problems = problems;
  }
}

/**
 * Check the props before anything is built, and fill in the defaults.
 *
 * @param deployment the stack's region and account, if known
 * @throws InvalidImageMirrorPropsError that lists all problems
 */
export function resolveProps(props: ImageMirrorProps, deployment: Deployment = {}): ImageMirrorSettings {
  const settings: ImageMirrorSettings = {
    logRetention: props.logRetention ?? RetentionDays.ONE_MONTH,
    mirrorMemorySize: props.mirrorMemorySize ?? 1_024,
    maxConcurrency: props.maxConcurrency ?? 10,
    layerConcurrency: props.layerConcurrency ?? 20,
    reserveConcurrency: props.reserveConcurrency ?? true,
    fanOutBytes: props.fanOutBytes ?? defaultFanOutBytes,
    throttle: props.throttle ?? { ratePerSecond: 500, burst: 1_000 },
    environment: props.environment ?? {},
    blobMounting: props.blobMounting ?? true,
    ...(props.removalPolicy !== undefined && { removalPolicy: props.removalPolicy }),
    ...(props.table !== undefined && { table: props.table }),
    ...(props.secrets !== undefined && { secrets: props.secrets }),
    ...(props.encryptionKey !== undefined && { encryptionKey: props.encryptionKey }),
  };
  const problems = [
    // 512: for the AWS SDK, the TLS connections and the stream buffers of the copies.
    ...wholeNumber('mirrorMemorySize', settings.mirrorMemorySize, { least: 512, most: 10_240 }),
    ...wholeNumber('maxConcurrency', settings.maxConcurrency, { least: 2, most: 1_000 }),
    ...wholeNumber('layerConcurrency', settings.layerConcurrency, { least: 2, most: 1_000 }),
    ...wholeNumber('fanOutBytes', settings.fanOutBytes, { least: 1_048_576, most: Number.MAX_SAFE_INTEGER }),
    ...wholeNumber('throttle.ratePerSecond', settings.throttle.ratePerSecond, { least: 1, most: 10_000 }),
    ...wholeNumber('throttle.burst', settings.throttle.burst, { least: 1, most: 5_000 }),
    ...environmentProblems(settings.environment),
    ...configurationProblems(props.config),
    ...regionProblems(props.config, deployment.region),
    ...existingProblems(props, deployment),
    ...keyProblems(props, deployment),
  ];
  if (problems.length > 0) throw new InvalidImageMirrorPropsError(problems);
  return settings;
}

function wholeNumber(
  name: string,
  value: number,
  { least, most }: { least: number; most: number },
): string[] {
  if (Number.isInteger(value) && value >= least && value <= most) return [];
  return [`${name}: ${value} is not a whole number from ${least} to ${most}`];
}

function environmentProblems(environment: Record<string, string>): string[] {
  return Object.keys(environment).flatMap((name) => {
    if (!/^[A-Za-z][A-Za-z0-9_]+$/.test(name)) {
      return [
        `environment: '${name}' is not a name that Lambda accepts: letters, digits and _, a letter first`,
      ];
    }
    if (/^(DRAYAGE_|POWERTOOLS_SERVICE_NAME$|POWERTOOLS_METRICS_NAMESPACE$|NODE_OPTIONS$)/.test(name)) {
      return [`environment: '${name}' is set by the mirror itself: remove it`];
    }
    return [];
  });
}

/** The images would be copied into a different registry than the mapping says. */
function regionProblems({ mirror }: Config, region: string | undefined): string[] {
  const [wanted] = mirror.regions;
  if (region === undefined || region === wanted) return [];
  return [
    `config mirror.regions: the first region is ${wanted}, and the stack is deployed into ${region}: give the stack env: { region: '${wanted}' }, or change the configuration`,
  ];
}

/** Whether a file that is named here has not been read. */
function isUnread(authority: Authority): boolean {
  if (authority.kind === 'key') return authority.publicKey === undefined;
  return (
    authority.kind === 'keyless' &&
    authority.trustedRootFile !== undefined &&
    authority.trustedRoot === undefined
  );
}

/**
 * Valid configuration that this stack does not support yet: refused rather than silently ignored.
 */
function configurationProblems(config: Config): string[] {
  const problems: string[] = [];
  if (config.mirror.regions.length > 1) {
    problems.push(
      `config mirror.regions: ${config.mirror.regions.join(', ')}: so far, the stack mirrors into one region only; name one, and deploy another stack for each further region`,
    );
  }
  const { network } = config;
  if (network?.vpc !== undefined) {
    problems.push('config network.vpc: the functions can’t run in a VPC yet; remove the key');
  }
  if (network?.caBundle !== undefined && network.certificates === undefined) {
    problems.push(
      'config network.caBundle: the certificates have not been read; load the configuration with `loadConfig`, which reads them',
    );
  }
  for (const { registry, repositories } of config.upstreams) {
    for (const { match, verify } of repositories) {
      if (verify?.requirements.some(({ authority }) => isUnread(authority)))
        problems.push(
          `config upstreams ${registry} ${match} verify: its keys and trusted roots have not been read; load the configuration with \`loadConfig\`, which reads them`,
        );
    }
  }
  return problems;
}
