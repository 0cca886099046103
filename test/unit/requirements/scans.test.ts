import { describe, expect, it } from 'vitest';
import type { ScanSeverity } from '../../../core/config/content-requirements.ts';
import { digestOf } from '../../../core/oci/digest.ts';
import { judgeScans, type ScanResult } from '../../../core/requirements/scans.ts';

const complete = (counts: Record<string, number>): ScanResult => ({
  kind: 'complete',
  counts: new Map(Object.entries(counts)),
});
const pending: ScanResult = { kind: 'pending', reason: 'it is IN_PROGRESS' };
const unavailable: ScanResult = { kind: 'unavailable', reason: 'it is FAILED' };
const digests = ['a', 'b', 'c'].map((text) => digestOf(Buffer.from(text)));
const judge = (block: ScanSeverity, ...results: ScanResult[]) =>
  judgeScans(
    results.map((result, n) => ({ digest: digests[n] ?? digestOf(Buffer.from('z')), result })),
    { block, waitSeconds: 600 },
  );

describe('the scans of an image', () => {
  it('pass without findings of the blocked severity or a more severe one', () => {
    expect(judge('CRITICAL', complete({}))).toEqual({ kind: 'passed' });
    expect(judge('CRITICAL', complete({ HIGH: 3, UNTRIAGED: 2, CRITICAL: 0 }))).toEqual({ kind: 'passed' });
    expect(judge('LOW', complete({ INFORMATIONAL: 3, UNDEFINED: 1 }))).toEqual({ kind: 'passed' });
  });

  it('block with them, the most severe first', () => {
    expect(judge('MEDIUM', complete({ LOW: 9, MEDIUM: 1, CRITICAL: 2 }))).toEqual({
      kind: 'blocked',
      detail: `the scan of ${digests[0]} has findings: 2 CRITICAL, 1 MEDIUM`,
    });
    expect(judge('UNDEFINED', complete({ UNTRIAGED: 1 })).kind).toBe('blocked');
  });

  it('block with a severity that nobody knows', () => {
    expect(judge('CRITICAL', complete({ CATASTROPHIC: 1 })).kind).toBe('blocked');
  });

  it('block although others are not finished, and fail although others are not', () => {
    expect(judge('HIGH', pending, complete({ HIGH: 1 }), unavailable).kind).toBe('blocked');
    expect(judge('HIGH', pending, unavailable)).toEqual({
      kind: 'unavailable',
      detail: `the scan of ${digests[1]} has no result: it is FAILED`,
    });
  });

  it('are waited for while one is not finished', () => {
    expect(judge('HIGH', complete({}), pending)).toEqual({
      kind: 'pending',
      digests: [digests[1]],
      reason: 'it is IN_PROGRESS',
    });
  });
});
