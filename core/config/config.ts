import type { AwsEndpointName } from './aws-endpoint-names.ts';
import type { ContentRequirements } from './content-requirements.ts';
import type { Verification } from './verification.ts';

/**
 * mirror.yaml after validation: every default is filled in, durations are in seconds, and absent
 * fields are absent rather than undefined. It is plain JSON, since it goes into the functions'
 * bundle and is read back there.
 */
export interface Config {
  version: 1;
  mirror: MirrorConfig;
  api: ApiConfig;
  /** Absent: no alarm is sent anywhere. */
  alarms?: AlarmsConfig;
  /** Outgoing webhooks, no two with the same name. Absent: events only go to EventBridge. */
  notify?: NotifyEndpoint[];
  /** Absent: the functions run outside any VPC. */
  network?: NetworkConfig;
  /** A key of AWS KMS for all that the mirror stores, by its ARN. Absent: AWS's own keys. */
  encryption?: { kmsKey: string };
  /** No two have the same registry, and no two webhooks the same name. */
  upstreams: Upstream[];
}

export interface MirrorConfig {
  /** At least one; the first is the hub, where the functions run and images arrive. */
  regions: string[];
  /** Prefix of every mirror repository, without a trailing slash. */
  repositoryPrefix: string;
  repository: RepositorySettings;
  /** How long a digest can still be looked up after no tag points to it any longer, in seconds. */
  historySeconds: number;
}

/** Settings of the repositories in the mirror: they get them, and are kept so. */
export interface RepositorySettings {
  scanOnPush: boolean;
  encryption: { type: 'AES256' } | { type: 'KMS'; kmsKey: string };
  /**
   * With `except`, tags that match one of these patterns (ECR's, `*` is any characters) stay
   * mutable.
   */
  immutableTags: boolean | { except: string[] };
  /** IDs of accounts that may pull. */
  pullAccounts: string[];
  /** IDs of organizations whose accounts may pull. */
  organizations: string[];
  /**
   * Rules of an ECR lifecycle policy, as they go into its `rules`. None of them expires untagged
   * images within the history.
   */
  lifecycle: LifecycleRule[];
  /** Resource tags: these are added, and other tags stay. Absent: none are. */
  tags?: Record<string, string>;
}

/**
 * A rule of an ECR lifecycle policy; fields that are not named here are passed on as they are.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html
 */
export interface LifecycleRule {
  rulePriority: number;
  selection: { tagStatus: string; countType: string; countNumber: number; [key: string]: unknown };
  action: { type: string; [key: string]: unknown };
  [key: string]: unknown;
}

export interface ApiConfig {
  /** Who may read: holders of the reader token, IAM principals, or anyone. */
  reads: 'token' | 'iam' | 'none';
  /** A custom domain name for the API; `certificate` is an ACM ARN. */
  domain?: ApiDomain;
}

export interface ApiDomain {
  name: string;
  certificate: string;
  /** Callers must present a certificate that one of these authorities has issued. */
  mutualTls?: { truststore: TruststoreObject };
}

/** The PEM certificates of authorities, as an object in S3. */
export interface TruststoreObject {
  bucket: string;
  key: string;
  /** The object's version; absent: the latest at deployment. */
  version?: string;
}

export interface AlarmsConfig {
  /** ARN of the SNS topic that alarms go to. */
  topic?: string;
  /** An image that takes longer than this from event to mapping raises an alarm. */
  lagSeconds: number;
}

/** What an outgoing webhook can be about, as mirror.yaml calls it. */
export const notifyEvents = ['mirrored', 'failed', 'removed'] as const;
export type NotifyEvent = (typeof notifyEvents)[number];

/** An outgoing webhook: where events are sent, signed as Standard Webhooks. */
export interface NotifyEndpoint {
  /** Lower-case letters, digits and `-`, at most 63; by default made from the URL's host. */
  name: string;
  /** `http:` only for loopback and private addresses. */
  url: string;
  /** A Secrets Manager secret (name or ARN) of the form `{secret: "whsec_…"}`. */
  secret: string;
  /** At least one. */
  events: NotifyEvent[];
}

export interface NetworkConfig {
  /** ID of the VPC that the functions run in. */
  vpc?: string;
  /** IDs of its subnets for the functions. Absent: its private subnets, which synth looks up. */
  subnets?: string[];
  /** IDs of the functions' security groups. Absent: the stack makes one. */
  securityGroups?: string[];
  /** IDs of the route tables that get routes to gateway endpoints. Absent: those of the subnets. */
  routeTables?: string[];
  /** The VPC endpoints that the stack makes, all that are needed or these. Absent: none. */
  endpoints?: 'create' | AwsEndpointName[];
  /** File with the PEM certificates of additional authorities, relative to mirror.yaml. */
  caBundle?: string;
  /** The content of that file; absent until it is read (`loadConfig`). */
  certificates?: string;
  /** URL of the HTTP proxy for requests to upstreams and to the endpoints of `notify`. */
  proxy?: string;
  /** Hosts that are reached without the proxy, with their subdomains. */
  noProxy?: string[];
}

/** A registry that images come from. */
export interface Upstream {
  /** Host with optional port, as it stands in normalised references. */
  registry: string;
  /**
   * Origin of its `/v2/` API: scheme and host, without a trailing slash. `http:` only if the file
   * says so.
   */
  endpoint: string;
  /** Hosts that credentials may be sent to besides the endpoint's, including the built-in ones. */
  authHosts: string[];
  /**
   * Hosts (`host` or `host:port`) that reads may be redirected to even if their addresses are
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

/** A webhook. It reports changes only of the upstream that it is configured under. */
export interface Webhook {
  /**
   * Name of the source: it determines the format of the sender's deliveries and how they are
   * authenticated.
   */
  source: string;
  /** Its name in the URL. */
  name: string;
  /**
   * The only addresses that deliveries may come from, as ranges; `published` is replaced by the
   * sender's own. Absent: any.
   */
  allow?: string[];
  /** Further options of the source, by its own schema. */
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
  /** Whether signatures, SBOMs and other referrers are copied with their image. */
  referrers: boolean;
  /** What an image must be signed with before it is mirrored; absent: nothing. */
  verify?: Verification;
  /** What an image must be like before it is mirrored; absent: anything. */
  require?: ContentRequirements;
  /** How often the upstream is compared with the mirror; absent: only if somebody asks. */
  reconcileSeconds?: number;
  /** What an upstream deletion does to the mapping. */
  deleted: 'keep' | 'unmap';
  /** What may be deleted from the mirror; absent: nothing ever is. */
  retention?: Retention;
}

/** Which images stay in the mirror although nothing is mapped to them any more. */
export interface Retention {
  /** So many that were mirrored last stay, mapped ones included. */
  keepNewest: number;
  /** An image stays for so long after it was mapped last, and at least for the history. */
  unmappedForSeconds: number;
}
