import type { LambdaFunction } from './lambda-function.ts';

/**
 * Calls a function every minute, as the deployed schedule does. A call that takes longer than a
 * minute is not overlapped by the next.
 *
 * @returns a function that stops it.
 */
export function startSchedule(
  schedule: LambdaFunction,
  log: NodeJS.WritableStream,
  everyMs = 60_000,
): () => void {
  let running = false;
  const timer = setInterval(async () => {
    if (running) return;
    running = true;
    try {
      await schedule.invoke({ time: new Date().toISOString() });
    } catch (error) {
      log.write(`the schedule's call failed: ${(error as Error).message}\n`);
    } finally {
      running = false;
    }
  }, everyMs);
  return () => clearInterval(timer);
}
