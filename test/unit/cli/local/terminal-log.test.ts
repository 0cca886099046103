import { describe, expect, it } from 'vitest';
import { terminalLog } from '../../../../cli/local/terminal-log.ts';

function linesOf(...chunks: string[]): string[] {
  const lines: string[] = [];
  const log = terminalLog((line) => lines.push(line));
  for (const chunk of chunks) log.write(chunk);
  return lines;
}
const entry = (level: string, message: string, more = {}) =>
  `${JSON.stringify({ level, message, service: 'mirror', ...more })}\n`;

describe('logs on a terminal', () => {
  it('are warnings and errors in plain lines, and whatever is not a log entry', () => {
    expect(
      linesOf(
        entry('INFO', 'the job is committed'),
        entry('WARN', 'a job could not be parked', { error: { message: 'no\nroute' } }),
        entry('ERROR', 'the message goes back to the queue'),
        'the mirror function failed: it ended\n\n',
        'null\n',
      ),
    ).toEqual([
      'warning (mirror): a job could not be parked: no route',
      'error (mirror): the message goes back to the queue',
      'the mirror function failed: it ended',
      'null',
    ]);
  });

  it('leave out what deliveries and jobs have their own lines for', () => {
    expect(linesOf(entry('WARN', 'a delivery was refused'), entry('ERROR', 'the job failed'))).toEqual([]);
  });

  it('are read across chunks', () => {
    const text = entry('ERROR', 'broken');
    expect(linesOf(text.slice(0, 9), text.slice(9))).toEqual(['error (mirror): broken']);
  });
});
