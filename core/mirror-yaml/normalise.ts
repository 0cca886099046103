import type {
  ApiConfig,
  Config,
  MirrorConfig,
  NotifyEndpoint,
  RepositoryRule,
  Upstream,
  Webhook,
} from '../config/config.ts';
import { notifyEvents } from '../config/config.ts';
import { secondsOf } from '../config/duration.ts';
import { knownRegistry } from '../registry/known-registries.ts';
import { publishedRanges } from '../webhooks/authenticity/published-ranges.ts';
import { findSource } from '../webhooks/sources/index.ts';
import { defaultEndpointName } from './notify-schema.ts';
import { normalisePlatforms } from './rules/platform.ts';
import { normaliseRequire } from './rules/require.ts';
import type { ConfigFile } from './schema.ts';
import { normaliseVerify } from './verification/normalise.ts';

type FileUpstream = ConfigFile['upstreams'][number];
type FileEndpoint = NonNullable<ConfigFile['notify']>[number];
type FileRule = FileUpstream['repositories'][number];

/** The configuration that a valid file means. */
export function normalise(file: ConfigFile): Config {
  const { alarms, network, notify, encryption } = file;
  return {
    version: file.version,
    mirror: normaliseMirror(file.mirror),
    api: normaliseApi(file.api),
    ...(alarms && { alarms: present({ topic: alarms.topic, lagSeconds: secondsOf(alarms.lag) }) }),
    ...(notify?.length && { notify: notify.map(normaliseEndpoint) }),
    ...(network && { network: present(network) }),
    ...(encryption && { encryption }),
    upstreams: file.upstreams.map(normaliseUpstream),
  };
}

function normaliseApi({ domain, ...api }: ConfigFile['api']): ApiConfig {
  if (domain === undefined) return present(api);
  const { mutualTls, ...named } = domain;
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(mutualTls?.truststore ?? '') ?? [];
  const truststore = { bucket, key, ...(mutualTls?.version && { version: mutualTls.version }) };
  return { ...present(api), domain: { ...named, ...(mutualTls && { mutualTls: { truststore } }) } };
}

function normaliseMirror(mirror: ConfigFile['mirror']): MirrorConfig {
  const { encryption, tags, ...settings } = mirror.repository;
  return {
    regions: mirror.regions,
    repositoryPrefix: mirror.repositoryPrefix,
    repository: {
      ...settings,
      encryption: encryption === 'AES256' ? { type: 'AES256' } : { type: 'KMS', kmsKey: encryption.kmsKey },
      ...(tags && Object.keys(tags).length > 0 && { tags }),
    },
    historySeconds: secondsOf(mirror.history),
  };
}

function normaliseEndpoint({ name, ...endpoint }: FileEndpoint): NotifyEndpoint {
  return {
    ...endpoint,
    name: name ?? defaultEndpointName(endpoint.url) ?? '',
    url: new URL(endpoint.url).href,
    events: notifyEvents.filter((event) => endpoint.events.includes(event)),
  };
}

function normaliseUpstream(upstream: FileUpstream): Upstream {
  const known = knownRegistry(upstream.registry);
  const { credentials, timeout, webhook, webhooks } = upstream;
  return {
    registry: upstream.registry,
    endpoint: new URL(upstream.endpoint ?? known.endpoint).origin,
    authHosts: [...new Set([...known.authHosts, ...upstream.authHosts])],
    redirectHosts: [...new Set(upstream.redirectHosts)],
    ...(timeout !== undefined && { timeoutSeconds: secondsOf(timeout) }),
    ...(credentials && { credentials }),
    webhooks: [...(webhook ? [webhook] : []), ...webhooks].map(normaliseWebhook),
    repositories: upstream.repositories.map(normaliseRule),
  };
}

function normaliseWebhook({ source, name, allow, options }: NonNullable<FileUpstream['webhook']>): Webhook {
  const parsed = findSource(source)?.optionsSchema.parse(options);
  const ranges = allow === 'published' ? publishedRanges.get(source)?.ranges : allow;
  return {
    source,
    name: name ?? source,
    // An empty list allows nothing: a source without published ranges is refused before.
    ...(allow !== undefined && { allow: [...new Set(ranges ?? [])] }),
    options: (parsed ?? options) as Webhook['options'],
  };
}

function normaliseRule(rule: FileRule): RepositoryRule {
  const { platforms, verify, require, reconcile, retention } = rule;
  return {
    match: rule.match,
    tags: present(rule.tags),
    ...(platforms && { platforms: normalisePlatforms(platforms) }),
    referrers: rule.referrers,
    ...(verify && { verify: normaliseVerify(verify) }),
    ...(require && { require: normaliseRequire(require) }),
    ...(reconcile !== 'never' && { reconcileSeconds: secondsOf(reconcile) }),
    deleted: rule.deleted,
    ...(retention && {
      retention: {
        keepNewest: retention.keepNewest ?? 0,
        unmappedForSeconds: retention.unmappedFor === undefined ? 0 : secondsOf(retention.unmappedFor),
      },
    }),
  };
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The same object without undefined values, which JSON does not have. */
function present<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Present<T>;
}
