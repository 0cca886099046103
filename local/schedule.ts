import type { LambdaFunction } from './lambda-function.ts';

/**
 * Calls a function regularly, every minute unless told otherwise, as the deployed schedules do. A
 * call that takes longer is not overlapped by the next.
 *
 * @returns a function that stops it.
 */
export function startSchedule(
  schedule: LambdaFunction,
  log: NodeJS.WritableStream,
  everyMs = 60_000,
): () => void {
  let running = false;
  let stopped = false;
  const timer = setInterval(async () => {
    if (running) return;
    running = true;
    try {
      await schedule.invoke({ time: new Date().toISOString() });
    } catch (error) {
      if (!stopped)
        log.write(`the schedule's call of ${schedule.name} failed: ${(error as Error).message}\n`);
    } finally {
      running = false;
    }
  }, everyMs);
  return () => {
    stopped = true;
    clearInterval(timer);
  };
}
