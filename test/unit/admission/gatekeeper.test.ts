import { describe, expect, it } from 'vitest';
import type { AdmissionChoice } from '../../../core/admission/choice.ts';
import { answerGatekeeper } from '../../../core/admission/gatekeeper.ts';
import { InvalidReviewError } from '../../../core/admission/review.ts';
import { podMappings, podMirrorPrefix } from '../../support/pods/mappings.ts';
import { rewritten } from '../../support/pods/rewritten.ts';
import { mappedSpellings, otherSpellings } from '../../support/pods/spellings.ts';
import { bytesOf, knownImages } from './reviews.ts';

const request = (keys: unknown, apiVersion = 'externaldata.gatekeeper.sh/v1beta1') =>
  bytesOf({ apiVersion, kind: 'ProviderRequest', request: { keys } });
const ask = (keys: unknown, choice: Partial<AdmissionChoice> = {}) =>
  answerGatekeeper(request(keys), knownImages(), { missing: 'keep', ...choice });

describe('Gatekeeper’s provider', () => {
  it('answers every key with what drayage rewrite makes of it', () => {
    const keys = [...mappedSpellings, ...otherSpellings];
    const { answer } = ask(keys);
    expect(answer).toMatchObject({
      apiVersion: 'externaldata.gatekeeper.sh/v1beta1',
      kind: 'ProviderResponse',
      response: { idempotent: true },
    });
    const containers = keys.map((image) => ({ name: 'x', image }));
    const { spec } = rewritten({ apiVersion: 'v1', kind: 'Pod', spec: { containers } }, podMappings());
    expect(answer.response.items).toEqual(
      keys.map((key, at) => ({ key, value: spec.containers[at]?.image ?? '' })),
    );
    expect(answer.response.systemError).toBeUndefined();
  });

  it('answers the same if it is asked for its answers', () => {
    const once = ask(mappedSpellings).answer.response.items.map(({ value }) => value);
    expect(ask(once).answer.response.items).toEqual(once.map((key) => ({ key, value: key })));
  });

  it('can name tags, and refuse what is not mirrored', () => {
    const { answer, missing } = ask(['nginx:1.27', 'busybox', `${podMirrorPrefix}/x:1`, 'NO'], {
      tags: true,
      missing: 'deny',
    });
    expect(answer.response.items).toEqual([
      { key: 'nginx:1.27', value: `${podMirrorPrefix}/docker.io/library/nginx:1.27` },
      { key: 'busybox', value: 'busybox', error: 'busybox is not mirrored' },
      { key: `${podMirrorPrefix}/x:1`, value: `${podMirrorPrefix}/x:1` },
      { key: 'NO', value: 'NO' },
    ]);
    expect(missing).toEqual(['busybox']);
  });

  it('says so if it has no mapping yet', () => {
    const { answer } = answerGatekeeper(request(['nginx']), undefined, { missing: 'keep' });
    expect(answer.response).toEqual({
      idempotent: true,
      items: [{ key: 'nginx', value: 'nginx' }],
      systemError: expect.stringContaining('no mapping yet'),
    });
  });

  it('takes a request without keys, and of the older version', () => {
    expect(ask(undefined).answer.response.items).toEqual([]);
    const old = answerGatekeeper(request(['x'], 'externaldata.gatekeeper.sh/v1alpha1'), knownImages(), {
      missing: 'keep',
    });
    expect(old.answer.apiVersion).toBe('externaldata.gatekeeper.sh/v1alpha1');
  });

  it.each([
    [bytesOf('{'), 'the body is not JSON'],
    [bytesOf({}), 'apiVersion is undefined'],
    [request('nginx'), 'request.keys is "nginx"'],
    [request([1]), 'request.keys.0 is 1'],
    [request(Array.from({ length: 1_001 }, () => 1)), 'request.keys has 1001 images'],
    [bytesOf(`{"apiVersion":${'['.repeat(100_000)}${']'.repeat(100_000)}}`), 'apiVersion is […]'],
  ])('refuses anything else', (body, message) => {
    const answer = () => answerGatekeeper(body, knownImages(), { missing: 'keep' });
    expect(answer).toThrow(InvalidReviewError);
    expect(answer).toThrow(message);
  });
});
