/** How a line of the log is to be taken. */
export type LogLevel = 'info' | 'warn' | 'error';

/** Writes one line of the log. */
export type Log = (level: LogLevel, message: string, details?: Readonly<Record<string, unknown>>) => void;

/** A log of JSON lines, one an event. Errors are written as their messages. */
export function jsonLog(output: Pick<NodeJS.WritableStream, 'write'>): Log {
  return (level, message, details = {}) => {
    const line = { time: new Date().toISOString(), level, message, ...details };
    output.write(`${JSON.stringify(line, (_, value) => (value instanceof Error ? value.message : value))}\n`);
  };
}
