import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { currentKeys, logger } from './telemetry.ts';

/** The header of each datagram for the X-Ray daemon. */
const header = '{"format":"json","version":1}\n';
/** The longest name of a subsegment. */
const longestName = 200;

/** Where X-Ray wants to know what an invocation does, and of which trace that is part. */
interface Trace {
  root: string;
  parent: string;
  host: string;
  port: number;
}

/**
 * Does a piece of work, and tells X-Ray about it if the invocation is traced: as a subsegment of
 * the function, with the keys of the work's log lines as annotations, by which traces are found.
 * Lambda runs the daemon, and names it and the trace in the environment.
 *
 * Documents go there as UDP datagrams, so no library is needed:
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
 */
export async function traced<T>(name: string, work: () => Promise<T>): Promise<T> {
  const trace = traceOf(process.env);
  if (trace === undefined) return await work();
  const startedAt = Date.now();
  let fault = true;
  try {
    const done = await work();
    fault = false;
    return done;
  } finally {
    await tell(trace, { name, trace, startedAt, fault });
  }
}

/**
 * The trace of the current invocation; undefined if it is not sampled.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export function traceOf(env: NodeJS.ProcessEnv): Trace | undefined {
  const fields = new Map(
    (env._X_AMZN_TRACE_ID ?? '').split(';').map((field) => {
      const [key = '', value = ''] = field.split('=');
      return [key, value] as const;
    }),
  );
  const [host, port] = (env.AWS_XRAY_DAEMON_ADDRESS ?? '').split(':');
  const [root, parent] = [fields.get('Root'), fields.get('Parent')];
  if (fields.get('Sampled') !== '1' || !root || !parent || !host || !Number(port)) return undefined;
  return { root, parent, host, port: Number(port) };
}

interface Finished {
  name: string;
  trace: Trace;
  startedAt: number;
  fault: boolean;
}

/** https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html */
function documentOf({ name, trace, startedAt, fault }: Finished): string {
  return JSON.stringify({
    type: 'subsegment',
    name: name.slice(0, longestName),
    id: randomBytes(8).toString('hex'),
    trace_id: trace.root,
    parent_id: trace.parent,
    start_time: startedAt / 1000,
    end_time: Date.now() / 1000,
    ...(fault && { fault }),
    annotations: currentKeys(),
  });
}

/** Best effort: a trace that is lost loses nothing else. */
function tell({ host, port }: Trace, finished: Finished): Promise<void> {
  return new Promise<void>((resolve) => {
    const document = documentOf(finished);
    const socket = createSocket('udp4');
    const end = () => {
      socket.close();
      resolve();
    };
    socket.once('error', end);
    socket.send(header + document, port, host, end);
  }).catch((error: unknown) => logger.warn('X-Ray was not told', { error: error as Error }));
}
