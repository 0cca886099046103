import { Writable } from 'node:stream';
import { plainText } from '../../core/oci/plain-text.ts';

/** Log messages about deliveries and jobs, which have lines of their own. */
const toldElsewhere = new Set([
  'a delivery was refused',
  'the job failed',
  'the job waits',
  'the layer failed its job',
  'the job of the layer waits',
]);
const longestText = 500;

/**
 * An entry of the functions' log.
 * https://docs.aws.amazon.com/powertools/typescript/latest/features/logger/
 */
interface Entry {
  level: string;
  message: string;
  service?: string;
  error?: { message?: string };
}

/**
 * Takes the functions' logs and prints warnings and errors as plain lines. Anything else that is
 * not a log entry is passed on.
 */
export function terminalLog(tell: (line: string) => void): Writable {
  let rest = '';
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const lines = (rest + chunk.toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const told = plainLine(line);
        if (told !== undefined) tell(told);
      }
      done();
    },
  });
  // Many worker threads each pipe two streams into it: that is not a leak to warn about.
  return output.setMaxListeners(0);
}

function plainLine(line: string): string | undefined {
  const entry = entryOf(line);
  if (entry === undefined) return line === '' ? undefined : plainText(line, longestText);
  const { level, message, service, error } = entry;
  if (!/^(WARN|ERROR|CRITICAL)$/.test(level) || toldElsewhere.has(message)) return undefined;
  const why = error?.message === undefined ? '' : `: ${error.message}`;
  return plainText(
    `${level === 'WARN' ? 'warning' : 'error'} (${service ?? 'local'}): ${message}${why}`,
    longestText,
  );
}

function entryOf(line: string): Entry | undefined {
  try {
    const value = JSON.parse(line) as Partial<Entry> | null;
    return typeof value?.level === 'string' && typeof value.message === 'string'
      ? (value as Entry)
      : undefined;
  } catch {
    return undefined;
  }
}
