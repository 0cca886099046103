import { setTimeout as sleep } from 'node:timers/promises';
import {
  EventBridgeClient,
  type EventBridgeClientConfig,
  EventBridgeServiceException,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { DrayageError, type Retry } from '../errors.ts';
import { type BusEvent, busSource, detailTypeOf } from '../notify/event-schema.ts';
import type { Notifier } from '../notify/ports.ts';
import { isConnectionFailure, timeouts } from './connection.ts';

/**
 * An entry must be smaller, in bytes.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/events/CalculatePutEventsEntrySize.html
 */
export const maxEntryBytes = 256 * 1024;
/** How often an event is sent, the pause before the second attempt, and how long one may take. */
const attempts = 3;
const pauseMs = 200;
const requestMs = 1_500;

/**
 * What an entry that may be accepted later fails with.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
 */
const temporaryCodes: ReadonlySet<string> = new Set([
  'ThrottlingException',
  'InternalFailure',
  'InternalException',
  'ServiceUnavailable',
]);

interface Refusal extends ErrorOptions {
  code: string;
  reason: string;
  remedy?: string;
  temporary?: boolean;
}

/** An event could not be sent to the event bus. */
export class NotifyError extends DrayageError {
  override readonly name = 'NotifyError';
  readonly code: string;
  readonly side = 'drayage';
  readonly remedy: string;
  readonly retry: Retry;

  constructor({ id }: Pick<BusEvent, 'id'>, { code, reason, remedy, temporary, ...options }: Refusal) {
    super(`the event ${id} could not be sent: ${reason}`, options);
    this.code = code;
    this.remedy =
      remedy ??
      'receivers that need every change compare with the mapping from time to time; EventBridge’s quota for PutEvents can be raised';
    this.retry = { kind: temporary ? 'backoff' : 'never' };
  }
}

/** Sends events to the account's default event bus. */
export class EventBridgeNotifier implements Notifier {
  readonly #client: EventBridgeClient;

  /** @param config endpoint, region and credentials; by default from the environment. */
  constructor(config: EventBridgeClientConfig = {}) {
    this.#client = new EventBridgeClient({ maxAttempts: 1, requestHandler: timeouts(requestMs), ...config });
  }

  async notify(event: BusEvent): Promise<void> {
    const entry = entryOf(event);
    for (let attempt = 1; ; attempt++) {
      const refusal = await this.#put(entry);
      if (refusal === undefined) return;
      if (!refusal.temporary || attempt === attempts) throw new NotifyError(event, refusal);
      await sleep(pauseMs * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
    }
  }

  close(): void {
    this.#client.destroy();
  }

  /** @returns why the entry was not accepted; undefined if it was. */
  async #put(entry: PutEventsRequestEntry): Promise<Refusal | undefined> {
    try {
      const { FailedEntryCount, Entries = [] } = await this.#client.send(
        new PutEventsCommand({ Entries: [entry] }),
      );
      const { ErrorCode, ErrorMessage = '', EventId } = Entries[0] ?? {};
      if (!FailedEntryCount && EventId !== undefined) return undefined;
      const code = ErrorCode ?? 'NoEventId';
      return { code, reason: `${code}: ${ErrorMessage}`, temporary: temporaryCodes.has(code) };
    } catch (error) {
      return refusalOf(error);
    }
  }
}

/** What a call that failed means. @throws the error itself if it is a bug of ours. */
function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Error)) throw error;
  const { name, message } = error;
  if (isConnectionFailure(error))
    return { code: 'CONNECTION', reason: message || name, temporary: true, cause: error };
  if (!(error instanceof EventBridgeServiceException)) throw error;
  return {
    code: name,
    reason: `${name}: ${message}`,
    temporary: error.$fault === 'server' || /Throttl/.test(name),
    ...(name === 'AccessDeniedException' && {
      remedy: 'the function needs events:PutEvents on the default event bus: deploy the stack again',
    }),
    cause: error,
  };
}

function entryOf(event: BusEvent): PutEventsRequestEntry {
  const Detail = JSON.stringify(event);
  const DetailType = detailTypeOf(event);
  // With a time, which takes 14 bytes.
  const bytes = 14 + Buffer.byteLength(busSource) + Buffer.byteLength(DetailType) + Buffer.byteLength(Detail);
  if (bytes >= maxEntryBytes)
    throw new NotifyError(event, {
      code: 'EVENT_TOO_LARGE',
      reason: `it has ${bytes} bytes, and EventBridge takes less than ${maxEntryBytes}`,
    });
  return { Source: busSource, DetailType, Detail, Time: new Date(event.time) };
}
