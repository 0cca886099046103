import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@aws-lambda-powertools/logger';
import type { LogItemExtraInput, LogItemMessage } from '@aws-lambda-powertools/logger/types';

/** What a piece of work is about: its log lines have these keys. */
export type LogKeys = Readonly<
  Partial<Record<'job' | 'image' | 'layer' | 'delivery' | 'senderId' | 'webhook' | 'messageId', string>>
>;

const current = new AsyncLocalStorage<LogKeys>();

/**
 * Does a piece of work whose log lines say what they are about: all lines that are written by it,
 * and by what it calls and waits for, have the keys, in addition to those of the work that it is
 * part of. Other work that is done meanwhile is not affected.
 */
export function about<T>(keys: LogKeys, work: () => T): T {
  return current.run({ ...current.getStore(), ...keys }, work);
}

/** The keys of the work in progress. */
export function currentKeys(): LogKeys {
  return current.getStore() ?? {};
}

/** A logger whose lines have the keys of the work in progress. */
class WorkLogger extends Logger {
  override debug(input: LogItemMessage, ...extra: LogItemExtraInput): void {
    super.debug(input, ...withKeys(extra));
  }

  override info(input: LogItemMessage, ...extra: LogItemExtraInput): void {
    super.info(input, ...withKeys(extra));
  }

  override warn(input: LogItemMessage, ...extra: LogItemExtraInput): void {
    super.warn(input, ...withKeys(extra));
  }

  override error(input: LogItemMessage, ...extra: LogItemExtraInput): void {
    super.error(input, ...withKeys(extra));
  }
}

/** What the line itself says comes last, and so counts. */
function withKeys(extra: LogItemExtraInput): LogItemExtraInput {
  return [currentKeys(), ...extra] as LogItemExtraInput;
}

/** The function's log: JSON lines. Names and levels come from the POWERTOOLS_ variables. */
export const logger = new WorkLogger();
