import { createHash } from 'node:crypto';
import type { Config } from '../config/config.ts';
import {
  formatImageKey,
  type ImageKey,
  presentMapping,
  type RegistryHosts,
  type StoredMapping,
} from '../mapping/record.ts';
import type { FailedEvent, MirroredEvent, NotifiedEvent, PrunedEvent, RemovedEvent } from './event-schema.ts';

/** What an event says about the job that it comes from. */
export interface NotifiedJob {
  id: string;
  trigger: string;
  receivedAt: string;
  attempts: number;
}

/** A mapping, and what is needed to show it as the API does. */
interface ShownMapping {
  config: Config;
  stored: StoredMapping;
  /** `MappingStore.registryHosts()` */
  hosts: RegistryHosts;
}

/** A mapping was published with another digest, or another revision of the same. */
export function imageMirrored({
  job,
  previousDigest,
  ...shown
}: ShownMapping & { job: NotifiedJob; previousDigest?: string | undefined }): MirroredEvent {
  const mapping = presented(shown);
  return {
    ...attributes(shown.config, shown.stored.key),
    id: eventId(job.id, 'mirrored'),
    type: 'dev.drayage.image.mirrored.v1',
    // Not now: the same event may be made again after a crash. A job that publishes an image that
    // was mirrored before, such as a rollback, has a later time.
    time: mapping.mirroredAt > job.receivedAt ? mapping.mirroredAt : job.receivedAt,
    data: {
      image: mapping.image,
      mapping,
      ...(previousDigest !== undefined && { previousDigest }),
      job: jobOf(job),
    },
  };
}

/** A job failed for good, at that time. */
export function imageFailed({
  config,
  job,
  error,
  at,
}: {
  config: Config;
  job: NotifiedJob & { key: ImageKey };
  error: FailedEvent['data']['error'];
  at: Date;
}): FailedEvent {
  return {
    ...attributes(config, job.key),
    id: eventId(job.id, 'failed'),
    type: 'dev.drayage.image.failed.v1',
    time: at.toISOString(),
    data: { image: formatImageKey(job.key), error: { ...error }, job: jobOf(job) },
  };
}

/**
 * A mapping was removed, since the mirror or the upstream no longer has the image. `stored` is the
 * mapping as it was, and `at` the time of the removal, ISO 8601.
 */
export function mappingRemoved({
  removal,
  ...shown
}: ShownMapping & { removal: { reason: RemovedEvent['data']['reason']; at: string } }): RemovedEvent {
  const mapping = presented(shown);
  const { image, job } = mapping;
  return {
    ...attributes(shown.config, shown.stored.key),
    // The mappings of a tag and of its digest come from the same job.
    id: eventId(job, `removed_${createHash('sha256').update(image).digest('hex').slice(0, 12)}`),
    type: 'dev.drayage.mapping.removed.v1',
    time: removal.at,
    data: { image, mapping, reason: removal.reason },
  };
}

/** Images that one event names. */
const mostNamed = 100;

/** A pass of retention has deleted images from a mirror repository, at that time. */
export function imagesPruned({
  config,
  pass,
  at,
  report: { repository, mirrorRepository, count, bytes, images },
  dollarsPerMonth,
}: {
  config: Config;
  /** Its ID. */
  pass: string;
  at: Date;
  report: Pick<PrunedEvent['data'], 'repository' | 'mirrorRepository' | 'count' | 'bytes' | 'images'>;
  dollarsPerMonth: number;
}): PrunedEvent {
  const named = images.slice(0, mostNamed).map(({ digest, tags }) => ({ digest, tags }));
  return {
    specversion: '1.0',
    source: eventSource(config),
    subject: repository,
    datacontenttype: 'application/json',
    id: eventId(pass, `pruned_${createHash('sha256').update(repository).digest('hex').slice(0, 12)}`),
    type: 'dev.drayage.images.pruned.v1',
    time: at.toISOString(),
    data: { repository, mirrorRepository, count, bytes, dollarsPerMonth, images: named },
  };
}

/**
 * The deployment that an event comes from. Two deployments in one account and region are told apart
 * by their prefixes.
 */
export function eventSource({ mirror }: Pick<Config, 'mirror'>): string {
  return `/drayage/${mirror.regions[0]}/${mirror.repositoryPrefix}`;
}

/**
 * Jobs have unique ids, so these are unique among all deployments. It contains no full stop: in a
 * webhook's signature, that separates the id from what follows.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
 */
function eventId(job: string, outcome: string): string {
  return `${job}_${outcome}`;
}

function attributes(
  config: Config,
  key: ImageKey,
): Pick<NotifiedEvent, 'specversion' | 'source' | 'subject' | 'datacontenttype'> {
  return {
    specversion: '1.0',
    source: eventSource(config),
    subject: formatImageKey(key),
    datacontenttype: 'application/json',
  };
}

function jobOf({ id, trigger, receivedAt, attempts }: NotifiedJob): NotifiedJob {
  return { id, trigger, receivedAt, attempts };
}

function presented({ stored, hosts }: ShownMapping): MirroredEvent['data']['mapping'] {
  const mapping = presentMapping(stored, hosts);
  if (mapping === undefined)
    throw new Error(`the address of the mirror in ${stored.mapping.region} is not recorded`);
  return mapping;
}
