import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { logOutput } from '../../../../cli/shared/output.ts';

describe('logOutput', () => {
  const warnings: string[] = [];
  const note = (warning: Error) => warnings.push(warning.name);
  afterEach(() => void process.off('warning', note));

  it('takes the logs of many worker threads without a warning', async () => {
    process.on('warning', note);
    const written = new PassThrough();
    const output = logOutput(written);
    const logs = Array.from({ length: 40 }, () => new PassThrough());
    for (const log of logs) log.pipe(output, { end: false });
    for (const log of logs) log.write('x');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(String(written.read())).toBe('x'.repeat(40));
    expect(warnings).toEqual([]);
  });
});
