/**
 * One instance of a function, forked by {@link file://./process-function.ts}: `node
 * function-process.ts MODULE NAME AHEAD_MS`. SIGKILL ends it between any two of its instructions,
 * as the end of a machine does.
 *
 * Its clock can be moved ahead, so that what waits for an hour need not be waited for. Timers are
 * not moved.
 */
import type { Context } from 'aws-lambda';

/** What the parent sends. */
export type ToInstance =
  | { kind: 'invoke'; id: number; event: unknown; remainingMs: number }
  | { kind: 'clock'; aheadMs: number };

/** What it answers. */
export type FromInstance =
  | { kind: 'ready' }
  | { kind: 'done'; id: number; value: unknown }
  | { kind: 'failed'; id: number; name: string; message: string };

const [module = '', name = '', ahead = '0'] = process.argv.slice(2);
let aheadMs = Number(ahead);

const RealDate = Date;
globalThis.Date = class extends RealDate {
  constructor(...parts: unknown[]) {
    super(...((parts.length === 0 ? [RealDate.now() + aheadMs] : parts) as [number]));
  }
  static override now(): number {
    return RealDate.now() + aheadMs;
  }
} as DateConstructor;

const tell = (message: FromInstance) => process.send?.(message);

process.on('disconnect', () => process.exit());
const { handler } = (await import(module)) as {
  handler(event: unknown, context: Context): Promise<unknown>;
};
process.on('message', async (message: ToInstance) => {
  if (message.kind === 'clock') {
    aheadMs = message.aheadMs;
    return;
  }
  const { id, event, remainingMs } = message;
  const endsAt = performance.now() + remainingMs;
  const context = {
    functionName: name,
    functionVersion: '$LATEST',
    memoryLimitInMB: '1024',
    awsRequestId: `${process.pid}-${id}`,
    getRemainingTimeInMillis: () => Math.round(endsAt - performance.now()),
  } as Context;
  try {
    const value = (await handler(event, context)) ?? null;
    tell({ kind: 'done', id, value });
  } catch (error) {
    const { name: kind, message: text } = error instanceof Error ? error : new Error(String(error));
    tell({ kind: 'failed', id, name: kind, message: text });
  }
});
tell({ kind: 'ready' });
