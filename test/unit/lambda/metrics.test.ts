import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { boundedCode, failureCodes, metricDefinitions } from '../../../core/telemetry/metrics.ts';
import { countRequest, Meter, meter, publishMetrics, stateMetric } from '../../../lambda/shared/metrics.ts';
import { about, currentKeys, logger } from '../../../lambda/shared/telemetry.ts';
import { emittedMetrics, sumOf } from '../../support/emf.ts';

let written = '';
beforeEach(() => {
  written = '';
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'mirror');
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      written += chunk;
      return true;
    });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('the meter', () => {
  it('publishes sums as one value, and measurements one by one', () => {
    const own = new Meter();
    for (let n = 0; n < 250; n++) {
      own.record('Requests', 1, n % 5 === 0 ? 'mirror' : 'upstream');
      own.record('PushLag', n);
    }
    own.record('JobsFailed', 1, 'TIMEOUT');
    own.publish();
    const metrics = emittedMetrics(written);
    expect(sumOf(metrics, 'Requests', { service: 'mirror' })).toBe(250);
    expect(sumOf(metrics, 'Requests', { service: 'mirror', side: 'mirror' })).toBe(50);
    expect(sumOf(metrics, 'Requests', { service: 'mirror', side: 'upstream' })).toBe(200);
    expect(sumOf(metrics, 'JobsFailed', { service: 'mirror', code: 'TIMEOUT' })).toBe(1);
    const lags = metrics.filter(({ name }) => name === 'PushLag').flatMap(({ values }) => values);
    expect(lags).toEqual(Array.from({ length: 250 }, (_, n) => n));
    expect(metrics.filter(({ name }) => name === 'Requests').map(({ values }) => values.length)).toEqual([
      1, 1, 1,
    ]);
  });

  it('publishes nothing twice, and nothing that is not a number', () => {
    const own = new Meter();
    own.record('BytesCopied', Number.NaN);
    own.publish();
    expect(written).toBe('');
    own.record('BytesCopied', 7);
    own.publish();
    own.publish();
    expect(emittedMetrics(written)).toEqual([
      { name: 'BytesCopied', dimensions: { service: 'mirror' }, values: [7] },
    ]);
  });

  it('publishes at the end of an invocation, however it ends', async () => {
    const { after, onError } = publishMetrics();
    for (const [end, status] of [
      [after, 200],
      [onError, 429],
    ] as const) {
      countRequest({ side: 'mirror', status });
      countRequest({ side: 'upstream', status: undefined });
      await end({} as never);
    }
    const metrics = emittedMetrics(written);
    expect(sumOf(metrics, 'Requests', { service: 'mirror' })).toBe(4);
    expect(sumOf(metrics, 'Throttles', { service: 'mirror', side: 'mirror' })).toBe(1);
    meter.publish();
    expect(emittedMetrics(written)).toEqual(metrics);
  });
});

describe('the list of metrics', () => {
  it('has the state of every job and layer', () => {
    for (const state of [
      'committed',
      'satisfied',
      'superseded',
      'failed',
      'waiting',
      'copying',
      'queued',
    ] as const)
      expect(metricDefinitions).toHaveProperty(stateMetric('Jobs', state));
    for (const state of ['carried', 'held', 'gone', 'queued', 'waiting', 'failed'] as const)
      expect(metricDefinitions).toHaveProperty(stateMetric('Layers', state));
  });

  it('bounds the codes of failures', () => {
    expect(boundedCode('TOOMANYREQUESTS')).toBe('TOOMANYREQUESTS');
    for (const code of ['A_REGISTRYS_OWN', undefined, '__proto__']) expect(boundedCode(code)).toBe('other');
    expect(failureCodes.size).toBeLessThan(80);
  });
});

describe('log lines', () => {
  it('have the keys of their work alone, side by side', async () => {
    const work = async (job: string) => {
      await turn();
      logger.warn('outer', { error: new Error(job) });
      await about({ layer: `layer of ${job}` }, async () => {
        await turn();
        logger.info('inner');
      });
      await turn();
      logger.info('after');
    };
    await Promise.all(
      ['a', 'b', 'c'].map((job) => about({ job, image: `image of ${job}` }, () => work(job))),
    );
    logger.info('outside');
    expect(currentKeys()).toEqual({});
    const lines = written
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(10);
    for (const job of ['a', 'b', 'c']) {
      const own = lines.filter((line) => line.job === job);
      expect(own.map(({ message, image, layer }) => ({ message, image, layer }))).toEqual([
        { message: 'outer', image: `image of ${job}`, layer: undefined },
        { message: 'inner', image: `image of ${job}`, layer: `layer of ${job}` },
        { message: 'after', image: `image of ${job}`, layer: undefined },
      ]);
      expect(own[0].error.message).toBe(job);
    }
    expect(Object.keys(lines.at(-1))).not.toContain('job');
  });
});
