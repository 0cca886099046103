import { ChangeMessageVisibilityCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import type { Invocable } from '../../local/watcher.ts';
import { below, type Dice } from '../unit/webhooks/mutate.ts';
import type { FunctionName } from './functions.ts';
import type { Death, ProcessFunction } from './process-function.ts';

/** How likely it is that the process of an invocation is killed. */
const deaths: Record<FunctionName, number> = {
  webhook: 0.04,
  mirror: 0.5,
  layer: 0.4,
  schedule: 0.2,
  reconcile: 0.4,
  'registry-events': 0.25,
  retention: 0.7,
};
/** At which of its calls at most: retention makes many. */
const callsBeforeDeath: Partial<Record<FunctionName, number>> = { retention: 150 };
const usualCalls = 60;
/** How likely it is that the answer of an invocation is lost, or that the event comes twice. */
const lostAnswers = 0.05;
const twice = 0.05;
/**
 * A message that a dead function has left is hidden for two minutes: here, for as many seconds as
 * the clock needs to get there.
 */
const againAfterSeconds = 1;

/** Decides what happens to invocations. */
export class Fates {
  readonly #roll: Dice;
  isCalm = false;
  /** How likely it is that an event of the mirror registry is lost. */
  lostEvents = 0.2;

  constructor(roll: Dice) {
    this.#roll = roll;
  }

  /** Whether, and when, the process is killed: by the clock, or at one of its calls. */
  death(name: FunctionName): Death | undefined {
    if (this.isCalm || this.#roll() >= deaths[name]) return undefined;
    if (this.#roll() < 0.3) return { afterMs: below(this.#roll, 800) };
    return {
      atCall: 1 + below(this.#roll, callsBeforeDeath[name] ?? usualCalls),
      when: this.#roll() < 0.5 ? 'before' : 'after',
    };
  }

  happens(probability: number): boolean {
    return probability >= 1 || (!this.isCalm && this.#roll() < probability);
  }
}

/** A function whose processes are killed, as a schedule or an API calls it. */
export function mortal(target: ProcessFunction, name: FunctionName, fates: Fates): Invocable {
  return { name, invoke: (event) => target.invoke(event, fates.death(name)) };
}

/**
 * A function that a queue feeds. Besides being killed, it gets events twice at once, and its
 * answers are lost, so that its messages come again although they are done.
 */
export function mortalConsumer(
  target: ProcessFunction,
  name: FunctionName,
  { fates, sqs, queueUrl }: { fates: Fates; sqs: SQSClient; queueUrl: string },
): Invocable {
  return {
    name,
    async invoke(event) {
      try {
        if (fates.happens(twice)) target.invoke(event, fates.death(name)).catch(() => {});
        const answer = await target.invoke(event, fates.death(name));
        if (fates.happens(lostAnswers)) throw new Error('its answer was lost');
        return answer;
      } catch (error) {
        await comeAgain(event as SQSEvent, sqs, queueUrl);
        throw error;
      }
    },
  };
}

async function comeAgain({ Records }: SQSEvent, sqs: SQSClient, QueueUrl: string): Promise<void> {
  await Promise.all(
    Records.map(({ receiptHandle: ReceiptHandle }) =>
      sqs
        .send(
          new ChangeMessageVisibilityCommand({
            QueueUrl,
            ReceiptHandle,
            VisibilityTimeout: againAfterSeconds,
          }),
        )
        // It is done, and no longer in the queue.
        .catch(() => {}),
    ),
  );
}
