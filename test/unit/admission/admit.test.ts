import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { InvalidReviewError } from '../../../core/admission/review.ts';
import { podMirrorPrefix } from '../../support/pods/mappings.ts';
import { answered, debugReviewOf, patched, patchOf, reviewOf } from './reviews.ts';

const pinned = new RegExp(`^${podMirrorPrefix}/docker.io/library/nginx@sha256:[0-9a-f]{64}$`);
const podOf = <Spec extends object>(spec: Spec, metadata: object = { name: 'web' }) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec,
});
const nginx = podOf({ containers: [{ name: 'web', image: 'nginx:1.27' }] });
const unmapped = podOf({
  containers: [
    { name: 'web', image: 'nginx:1.27' },
    { name: 'proxy', image: 'ghcr.io/acme/proxy:1' },
  ],
});

describe('a new Pod', () => {
  it('names the mirror by digest, and keeps the original in an annotation', async () => {
    const { answer, lookedUp } = await answered(reviewOf({ object: nginx }));
    expect(answer).toMatchObject({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: '705ab4f5-6393-11e8-b7cc-42010a800002', allowed: true, patchType: 'JSONPatch' },
    });
    expect(patchOf(answer)).toEqual([
      { op: 'replace', path: '/spec/containers/0/image', value: expect.stringMatching(pinned) },
      {
        op: 'add',
        path: '/metadata/annotations',
        value: { 'original-image.drayage.dev/web': 'nginx:1.27' },
      },
    ]);
    expect(lookedUp).toEqual([['nginx:1.27']]);
  });

  it('names the mirror’s tag if it is asked for', async () => {
    const { answer } = await answered(reviewOf({ object: nginx }), { tags: true });
    expect(patchOf(answer)[0]?.value).toBe(`${podMirrorPrefix}/docker.io/library/nginx:1.27`);
  });

  it('adds to the annotations that are there, with escaped names', async () => {
    const object = podOf(nginx.spec, { name: 'web', annotations: { a: 'b' } });
    const { answer } = await answered(reviewOf({ object }));
    expect(patchOf(answer)[1]).toEqual({
      op: 'add',
      path: '/metadata/annotations/original-image.drayage.dev~1web',
      value: 'nginx:1.27',
    });
    expect(patched(object, answer).metadata).toEqual({
      name: 'web',
      annotations: { a: 'b', 'original-image.drayage.dev/web': 'nginx:1.27' },
    });
  });

  it.each([
    ['null', null, { 'original-image.drayage.dev/web': 'nginx:1.27' }],
    ['empty', {}, { 'original-image.drayage.dev/web': 'nginx:1.27' }],
    ['a list, which is invalid,', ['x'], ['x']],
    ['as large as they may be', { a: 'x'.repeat(256 * 1024 - 20) }, { a: 'x'.repeat(256 * 1024 - 20) }],
  ])('with annotations that are %s becomes valid or stays invalid', async (_, annotations, after) => {
    const object = podOf(nginx.spec, { name: 'web', annotations });
    const changed = patched(object, (await answered(reviewOf({ object }))).answer);
    expect(changed.metadata).toEqual({ name: 'web', annotations: after });
    expect(JSON.stringify(changed.spec)).toContain('@sha256:');
  });

  it('is looked up once, with each reference once', async () => {
    const image = 'nginx:1.27';
    const { lookedUp, outcomes } = await answered(
      reviewOf({
        object: podOf({
          initContainers: [{ name: 'a', image }],
          containers: [{ name: 'b', image }, { name: 'c', image: '$(X)' }, { name: 'd' }, 'e', null],
          volumes: [
            { name: 'f', image: { reference: image } },
            { name: 'g', image: 'nginx' },
            { emptyDir: {} },
          ],
        }),
      }),
    );
    expect(lookedUp).toEqual([[image]]);
    expect(outcomes).toMatchObject([{ images: 4, changed: 3, allowed: true, namespace: 'default' }]);
  });

  it('without images is not looked up', async () => {
    for (const object of [podOf({ containers: [] }), {}, null, 'pod', podOf({ containers: 'x' })])
      expect(await answered(reviewOf({ object }))).toMatchObject({
        answer: { response: { allowed: true } },
        lookedUp: [],
      });
  });

  it('of the kubelet, a static Pod’s mirror, stays', async () => {
    const object = podOf(nginx.spec, { name: 'web', annotations: { 'kubernetes.io/config.mirror': 'hash' } });
    expect((await answered(reviewOf({ object }))).answer.response.patch).toBeUndefined();
  });

  it('with more than 1,000 images stays', async () => {
    const containers = Array.from({ length: 1_001 }, (_, at) => ({ name: `c${at}`, image: `nginx:${at}` }));
    const { answer, lookedUp, outcomes } = await answered(reviewOf({ object: podOf({ containers }) }), {
      missing: 'deny',
    });
    expect(answer.response).toMatchObject({ allowed: true, warnings: [expect.stringContaining('stay')] });
    expect(lookedUp).toEqual([]);
    expect(String(outcomes[0]?.failure)).toMatch(/1001 containers/);
  });
});

describe('a running Pod', () => {
  const running = podOf({
    containers: [{ name: 'web', image: 'nginx:1.27' }],
    ephemeralContainers: [{ name: 'old', image: 'nginx:1.27' }],
  });

  it('gets only its new ephemeral containers rewritten, without an annotation', async () => {
    const ephemeralContainers = [...running.spec.ephemeralContainers, { name: 'new', image: 'nginx' }];
    const object = podOf({ ...running.spec, ephemeralContainers });
    const { answer } = await answered(debugReviewOf(object, running));
    expect(patchOf(answer)).toEqual([
      { op: 'replace', path: '/spec/ephemeralContainers/1/image', value: expect.stringMatching(pinned) },
    ]);
  });

  it.each([
    ['is updated', { operation: 'UPDATE', object: running, oldObject: running }],
    ['is deleted', { operation: 'DELETE', object: null, oldObject: running }],
    ['is evicted', { operation: 'CREATE', subResource: 'eviction', object: running }],
    ['is connected to', { operation: 'CONNECT', subResource: 'exec', object: running }],
    ['is resized', { operation: 'UPDATE', subResource: 'resize', object: running, oldObject: running }],
    ['lacks its old state', { operation: 'UPDATE', subResource: 'ephemeralcontainers', object: running }],
    ['is another kind', { kind: { group: 'apps', version: 'v1', kind: 'Deployment' }, object: running }],
    ['is of another group', { kind: { group: 'x.example', version: 'v1', kind: 'Pod' }, object: running }],
  ])('stays when it %s', async (_, request) => {
    const { answer, lookedUp } = await answered(reviewOf(request), { missing: 'deny' });
    expect(answer.response).toEqual({ uid: expect.any(String), allowed: true });
    expect(lookedUp).toEqual([]);
  });
});

describe('images that are not mirrored', () => {
  it('stay', async () => {
    const { answer, outcomes } = await answered(reviewOf({ object: unmapped }));
    expect(answer.response.warnings).toBeUndefined();
    expect(outcomes).toMatchObject([{ changed: 1, missing: ['ghcr.io/acme/proxy:1'] }]);
  });

  it('are told with warn', async () => {
    const containers = [...unmapped.spec.containers, { name: 'bad', image: 'NGINX\u0007 ä' }];
    const { answer } = await answered(reviewOf({ object: podOf({ containers }) }), { missing: 'warn' });
    expect(answer.response).toMatchObject({ allowed: true, patchType: 'JSONPatch' });
    expect(answer.response.warnings).toEqual([
      'drayage: ghcr.io/acme/proxy:1 (container proxy) is not mirrored: it is pulled from ghcr.io',
      expect.stringMatching(/^drayage: container bad has no image reference: [\x20-\x7e]+$/),
    ]);
  });

  it('are told ten at a time', async () => {
    const containers = Array.from({ length: 30 }, (_, at) => ({
      name: `c${at}`,
      image: `x/${'y'.repeat(250)}:${at}`,
    }));
    const { answer } = await answered(reviewOf({ object: podOf({ containers }) }), { missing: 'warn' });
    expect(answer.response.warnings).toHaveLength(11);
    expect(answer.response.warnings?.at(-1)).toBe('drayage: and 20 more images');
    for (const warning of answer.response.warnings ?? []) expect(warning.length).toBeLessThanOrEqual(256);
  });

  it('are refused with deny', async () => {
    const { answer, outcomes } = await answered(reviewOf({ object: unmapped }), { missing: 'deny' });
    expect(answer.response).toEqual({
      uid: expect.any(String),
      allowed: false,
      status: {
        code: 403,
        reason: 'Forbidden',
        message: 'drayage: ghcr.io/acme/proxy:1 (container proxy) is not mirrored',
      },
    });
    expect(outcomes).toMatchObject([{ allowed: false, changed: 1 }]);
    const mirrored = await answered(reviewOf({ object: nginx }), { missing: 'deny' });
    expect(mirrored.answer.response.allowed).toBe(true);
    const own = podOf({ containers: [{ name: 'a', image: `${podMirrorPrefix}/x:1` }] });
    expect((await answered(reviewOf({ object: own }), { missing: 'deny' })).answer.response.allowed).toBe(
      true,
    );
  });

  it('are asked for with enqueue, but not in a dry run', async () => {
    const asked = await answered(reviewOf({ object: unmapped }), { missing: 'enqueue' });
    expect(asked.enqueued).toEqual([['ghcr.io/acme/proxy:1']]);
    expect(asked.answer.response.warnings).toEqual([
      'drayage: ghcr.io/acme/proxy:1 (container proxy) is not mirrored: it was asked for, and for now it is pulled from ghcr.io',
    ]);
    const dry = await answered(reviewOf({ object: unmapped, dryRun: true }), { missing: 'enqueue' });
    expect(dry.enqueued).toEqual([]);
    expect(dry.answer.response.patch).toBe(asked.answer.response.patch);
    for (const missing of ['keep', 'warn', 'deny'] as const)
      expect((await answered(reviewOf({ object: unmapped }), { missing })).enqueued).toEqual([]);
  });
});

describe('a failure of ours', () => {
  const fails = async () => {
    throw new Error('the table is away');
  };

  it.each(['keep', 'warn', 'deny', 'enqueue'] as const)(
    'lets the Pod pass as it is, with %s',
    async (missing) => {
      for (const options of [
        { lookUp: fails },
        { lookUp: () => new Promise<never>(() => {}), deadlineMs: 30 },
        { lookUp: async () => ({ mapping: () => ({ mirror: 'No', pinned: 'No' }), isMirror: () => false }) },
      ]) {
        const { answer, outcomes } = await answered(reviewOf({ object: unmapped }), { ...options, missing });
        expect(answer.response).toMatchObject({ uid: expect.any(String), allowed: true });
        expect(answer.response.patch).toBeUndefined();
        expect(answer.response.warnings?.length ?? 0).toBe(missing === 'keep' ? 0 : 1);
        expect(outcomes).toMatchObject([{ allowed: true, changed: 0, failure: expect.anything() }]);
      }
    },
  );

  it('to enqueue costs the Pod neither its patch nor more time', async () => {
    for (const enqueue of [fails, () => sleep(60_000)]) {
      const { answer, outcomes } = await answered(reviewOf({ object: unmapped }), {
        missing: 'enqueue',
        enqueue,
        deadlineMs: 50,
      });
      expect(answer.response.patch).toBeDefined();
      expect(answer.response.warnings).toEqual([expect.stringContaining('is not mirrored: it is pulled')]);
      expect(outcomes).toMatchObject([{ failure: expect.anything() }]);
    }
  });
});

const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

describe('a Pod that nobody runs', () => {
  it.each([
    ['containers', { containers: Array.from({ length: 500_000 }, () => ({ image: 'nginx:1.27' })) }],
    [
      'volumes',
      { volumes: Array.from({ length: 300_000 }, (_, at) => ({ image: { reference: `x${at}` } })) },
    ],
  ])('passes without much work: as many %s as a body takes', async (_, spec) => {
    const body = Buffer.from(JSON.stringify(reviewOf({ object: podOf(spec) })));
    const began = performance.now();
    JSON.parse(body.toString());
    const readMs = performance.now() - began;
    const { answer, lookedUp, outcomes } = await answered(body.toString());
    // Reading it is all that may take its time; what was done before took 40 times as long.
    expect(performance.now() - began).toBeLessThan(10 * readMs + 1_000);
    expect(answer.response).toEqual({ uid: expect.any(String), allowed: true });
    expect(lookedUp).toEqual([]);
    expect(String(outcomes[0]?.failure)).toMatch(/it has \d+ containers and volumes/);
  });

  it.each([
    ['object', `${deep}`, false],
    ['annotations', `{"metadata":{"annotations":${deep}},"spec":${JSON.stringify(nginx.spec)}}`, true],
    [
      'an annotation',
      `{"metadata":{"annotations":{"a":${deep}}},"spec":${JSON.stringify(nginx.spec)}}`,
      false,
    ],
  ])('passes with a very deep %s', async (_, object, isChanged) => {
    const body = JSON.stringify(reviewOf({ object: 'HERE' })).replace('"HERE"', object);
    const { answer } = await answered(body);
    expect(answer.response.allowed).toBe(true);
    expect(patchOf(answer).length > 0).toBe(isChanged);
  });
});

describe('what is not an AdmissionReview', () => {
  it.each([
    ['the body is […]', deep],
    ['request.uid is […]', JSON.stringify(reviewOf({ uid: 'HERE' })).replace('"HERE"', deep)],
    ['kind is {…}', `{"apiVersion":"admission.k8s.io/v1","kind":{"a":${deep}}}`],
  ])('is refused however deep it is: %s', async (message, body) => {
    await expect(answered(body)).rejects.toThrow(InvalidReviewError);
    await expect(answered(body)).rejects.toThrow(message);
  });

  it.each([
    ['', 'the body is not JSON in UTF-8'],
    ['{', 'the body is not JSON in UTF-8'],
    ['null', 'the body is null'],
    ['[]', 'the body is []'],
    [{}, 'apiVersion is undefined'],
    [
      { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1beta1', request: {} },
      'apiVersion is "admission.k8s.io/v1beta1"',
    ],
    [reviewOf({ uid: '' }), 'request.uid is ""'],
    [reviewOf({ operation: 7 as unknown as string }), 'request.operation is 7'],
  ])('is refused: %j', async (body, message) => {
    await expect(answered(body)).rejects.toThrow(InvalidReviewError);
    await expect(answered(body)).rejects.toThrow(message);
  });
});
