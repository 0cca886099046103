import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { podMappings } from '../../support/pods/mappings.ts';
import { rewritten } from '../../support/pods/rewritten.ts';
import { answered, patched } from './reviews.ts';

const folder = join(import.meta.dirname, '../../support/pods/recorded');

interface Recorded {
  request: {
    uid: string;
    operation: string;
    object: { kind: string; spec: object };
    oldObject: object | null;
  };
}

describe('AdmissionReviews that a real API server has sent', () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.json')))('%s', async (name) => {
    const review = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Recorded;
    const { uid, operation, object } = review.request;
    const { answer, enqueued } = await answered(review, { missing: 'enqueue' });
    expect(answer.response).toMatchObject({ uid, allowed: true });
    if (name.includes('dry-run')) expect(enqueued).toEqual([]);
    // In an update, what runs already stays as it is.
    const after = patched(object, answer).spec as Record<string, unknown>;
    const wanted = rewritten(object, podMappings()).spec as Record<string, unknown>;
    if (operation === 'CREATE') expect(after).toEqual(wanted);
    else expect(after).toEqual({ ...object.spec, ephemeralContainers: wanted.ephemeralContainers });
    expect(answer.response.patch).toBeDefined();
  });
});
