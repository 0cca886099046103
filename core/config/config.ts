/**
 * mirror.yaml after validation: every default is filled in, durations are seconds, and what is
 * absent is absent rather than undefined. Plain JSON, since it goes into the functions' bundle and
 * is read back there.
 */
export interface Config {
  version: 1;
  mirror: MirrorConfig;
  api: ApiConfig;
  /** Absent: no alarm is sent anywhere. */
  alarms?: AlarmsConfig;
  /** Absent: the functions run outside any VPC. */
  network?: NetworkConfig;
  /** No two have the same registry, and no two webhooks the same name. */
  upstreams: Upstream[];
}

export interface MirrorConfig {
  /** At least one; the first is the hub, where the functions run and images arrive. */
  regions: string[];
  /** What every mirror repository begins with, without a slash at its end. */
  repositoryPrefix: string;
  repository: RepositorySettings;
  /** How long references by a digest that no tag points to any more are answered, in seconds. */
  historySeconds: number;
}

/** Settings of the repositories that are created in the mirror. */
export interface RepositorySettings {
  scanOnPush: boolean;
  encryption: { type: 'AES256' } | { type: 'KMS'; kmsKey: string };
  /**
   * With `except`, tags that match one of these patterns (ECR's, `*` is any characters) stay
   * mutable.
   */
  immutableTags: boolean | { except: string[] };
  /** Account ids that may pull. */
  pullAccounts: string[];
  /** Ids of organizations whose accounts may pull. */
  organizations: string[];
  /**
   * Rules of an ECR lifecycle policy, as they go into its `rules`. None expires untagged images
   * within the history.
   */
  lifecycle: LifecycleRule[];
}

/**
 * A rule of an ECR lifecycle policy; what is not named here is passed on as it is.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
export interface LifecycleRule {
  rulePriority: number;
  selection: { tagStatus: string; countType: string; countNumber: number; [key: string]: unknown };
  action: { type: string; [key: string]: unknown };
  [key: string]: unknown;
}

export interface ApiConfig {
  /** Who may read: the reader token's holders, IAM principals, or anybody. */
  reads: 'token' | 'iam' | 'none';
  /** A name of one's own for the API; `certificate` is an ACM ARN. */
  domain?: { name: string; certificate: string };
}

export interface AlarmsConfig {
  /** ARN of the SNS topic that alarms go to. */
  topic?: string;
  /** An image that takes longer than this from event to mapping raises an alarm. */
  lagSeconds: number;
}

export interface NetworkConfig {
  /** Id of the VPC that the functions run in. */
  vpc?: string;
  /** File with the PEM certificates of additional authorities, relative to mirror.yaml. */
  caBundle?: string;
  /** What that file holds; absent until it is read (`loadConfig`). */
  certificates?: string;
  /** URL of the HTTP proxy for requests to upstreams. */
  proxy?: string;
}

/** A registry that images come from. */
export interface Upstream {
  /** Host with optional port, as it stands in normalised references. */
  registry: string;
  /**
   * Origin of its `/v2/` API: scheme and host, without a slash at its end. `http:` only when it was
   * written.
   */
  endpoint: string;
  /** Hosts besides the endpoint's that credentials may go to, the built-in ones included. */
  authHosts: string[];
  /**
   * Hosts (`host` or `host:port`) that reads may be redirected to although their addresses are
   * private.
   */
  redirectHosts: string[];
  /** How long to wait for the first byte of an answer. Absent: the registry client's defaults. */
  timeoutSeconds?: number;
  /** Absent: anonymous. */
  credentials?: UpstreamCredentials;
  /** `webhook` and `webhooks` of the file, in this order. */
  webhooks: Webhook[];
  /** The first one whose `match` fits decides. */
  repositories: RepositoryRule[];
}

/**
 * A Secrets Manager secret (name or ARN) of the form `{username, password}`, or a role to get an
 * ECR token with.
 */
export type UpstreamCredentials = { secret: string } | { type: 'ecr'; roleArn: string };

/** A webhook, which speaks only for the upstream that it stands under. */
export interface Webhook {
  /** Name of the source: what the sender's deliveries look like and how they are authenticated. */
  source: string;
  /** Its name in the URL. */
  name: string;
  /** What the source wants to know besides, after its own schema. */
  options: Record<string, unknown>;
}

/** Which images of an upstream's repositories are mirrored, and how. */
export interface RepositoryRule {
  /** Pattern for repositories (`core/policy/glob.ts`). */
  match: string;
  tags: {
    include: string[];
    exclude: string[];
    /** A semver range. */
    semver?: string;
    /** Only this many of the newest versions. */
    latest?: number;
  };
  /** In the form of `formatPlatform`. Absent: all of them, so that the digest is preserved. */
  platforms?: string[];
  /** Whether signatures, SBOMs and other referrers travel with their image. */
  referrers: boolean;
  /**
   * What an image must be signed with before it is mirrored; `key` is a file with a public key in
   * PEM form.
   */
  verify?: { cosign: { key: string } };
  /**
   * How often the upstream is to be compared with the mirror; absent: never. Nothing reads it yet.
   */
  reconcileSeconds?: number;
  /** What an upstream deletion does to the mapping. */
  deleted: 'keep' | 'unmap';
}
