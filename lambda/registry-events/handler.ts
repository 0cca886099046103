import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import type { ScanPlace } from '../../core/jobs/requirements/ports.ts';
import { wakeScanned } from '../../core/jobs/requirements/wake-scanned.ts';
import { formatImageKey } from '../../core/mapping/record.ts';
import type { RemovedImage } from '../../core/registry-events/ports.ts';
import { type LossHint, readLossEvent } from '../../core/registry-events/read-event.ts';
import { readScanEvent } from '../../core/registry-events/read-scan-event.ts';
import { settleLosses } from '../../core/registry-events/settle-losses.ts';
import { comeAgainSoon, withDeadline } from '../shared/messages.ts';
import { meter, publishMetrics } from '../shared/metrics.ts';
import { logger } from '../shared/telemetry.ts';
import { RegistryEventsDeployment } from './deployment.ts';

/** After how many seconds a message that failed is retried first. */
const firstRetrySeconds = 10;

/** Works off a batch of the registry's events, and returns the messages to retry. */
async function run(
  { Records: records }: SQSEvent,
  context: Context,
  deployment: RegistryEventsDeployment,
): Promise<SQSBatchResponse> {
  const { events, retrySeconds = firstRetrySeconds } = deployment;
  const scans = readScans(records, deployment);
  const hints = readHints(
    records.filter((record) => !scans.has(record)),
    deployment,
  );
  const byRepository = Map.groupBy(hints.keys(), ({ repository }) => repository);
  const waking = Promise.all([...scans].map(([record, image]) => wake(record, image, deployment)));
  const failed = await withDeadline(context, (signal) =>
    Promise.all(
      [...byRepository].map(([repository, of]) => settle({ repository, hints: of, signal }, deployment)),
    ),
  );
  const unsettled = failed.flatMap((some) => some.flatMap((hint) => hints.get(hint) ?? []));
  const retried = [...unsettled, ...(await waking).flat()];
  await Promise.all(retried.map((record) => comeAgainSoon(record, events, retrySeconds)));
  return { batchItemFailures: retried.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/** The messages that say that an image's scan is over. */
function readScans(records: SQSRecord[], { place }: RegistryEventsDeployment): Map<SQSRecord, ScanPlace> {
  const scans = records.map((record) => [record, readScanEvent(parsed(record.body), place)] as const);
  return new Map(scans.flatMap(([record, image]) => (image ? [[record, image] as const] : [])));
}

/** Wakes the jobs that wait for a scan. Never rejects. @returns the message, to try it again */
async function wake(
  record: SQSRecord,
  image: ScanPlace,
  { config, jobs, queue, scanWaits: waits }: RegistryEventsDeployment,
): Promise<SQSRecord[]> {
  try {
    const woken = await wakeScanned(image, { config, jobs, queue, waits });
    if (woken > 0) logger.info('jobs go on: a scan is over', { ...image, jobs: woken });
    return [];
  } catch (error) {
    tellFailure(image.repository, error);
    return [record];
  }
}

/** What the messages ask to look at. The others are done with: they would say the same again. */
function readHints(records: SQSRecord[], { place }: RegistryEventsDeployment): Map<LossHint, SQSRecord> {
  const hints = new Map<LossHint, SQSRecord>();
  for (const record of records) {
    const hint = readLossEvent(parsed(record.body), place);
    if ('ignored' in hint)
      logger.info('an event is ignored', { messageId: record.messageId, reason: hint.ignored });
    else hints.set(hint, record);
  }
  return hints;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined; // not an event, either
  }
}

/** Hints about one repository. */
interface RepositoryHints {
  repository: string;
  hints: LossHint[];
  signal: AbortSignal;
}

/** Never rejects. @returns the hints to try again */
async function settle(
  { repository, hints, signal }: RepositoryHints,
  deployment: RegistryEventsDeployment,
): Promise<LossHint[]> {
  const { config, mappings, jobs, queue, images, notifier } = deployment;
  const warn = (text: string, error: unknown) => logger.warn(text, { repository, error: error as Error });
  try {
    const deps = { config, mappings, jobs, queue, images, notifier, warn };
    const { removed, failed } = await settleLosses(repository, hints, deps, signal);
    tell(removed);
    for (const error of new Set(failed.values())) tellFailure(repository, error);
    return [...failed.keys()];
  } catch (error) {
    tellFailure(repository, error);
    return hints;
  }
}

function tell(removed: RemovedImage[]): void {
  for (const { key, reason } of removed)
    logger.info('a mapping is removed: the mirror lost its image', { image: formatImageKey(key), reason });
  meter.record('MappingsRemoved', removed.length);
}

function tellFailure(repository: string, error: unknown): void {
  logger.error('events of the registry are tried again', { repository, error: error as Error });
  meter.record('RegistryEventsFailed');
}

/** Makes the handler of the queue of the registry's events. */
export function createHandler(deployment: RegistryEventsDeployment) {
  return middy((event: SQSEvent, context: Context) => run(event, context, deployment))
    .use(injectLambdaContext(logger))
    .use(publishMetrics());
}

export const handler = createHandler(new RegistryEventsDeployment(process.env));
