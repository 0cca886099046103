import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { missingChoices } from '../../../core/admission/choice.ts';
import { InvalidReviewError } from '../../../core/admission/review.ts';
import { mappedSpellings, otherSpellings } from '../../support/pods/spellings.ts';
import { answered, patched, patchOf, reviewOf } from './reviews.ts';

const numRuns = 20_000;
const timeout = 600_000;

const image = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...mappedSpellings) },
  { weight: 3, arbitrary: fc.constantFrom(...otherSpellings) },
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.jsonValue({ maxDepth: 1 }),
);
const odd = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 12, arbitrary }, fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(undefined, null));
const name = fc.oneof(
  { weight: 5, arbitrary: fc.stringMatching(/^[a-z]([a-z0-9-]{0,4}[a-z0-9])?$/) },
  fc.constantFrom('__proto__', 'constructor', '', 'a/b~c', 'A_b'),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const container = odd(
  fc.record({ name: odd(name), image, env: fc.jsonValue({ maxDepth: 1 }) }, { requiredKeys: ['image'] }),
);
const containers = odd(fc.array(container, { maxLength: 4 }));
const volume = odd(
  fc.record(
    { name: odd(name), image: odd(fc.record({ reference: image, pullPolicy: fc.string() })) },
    { requiredKeys: [] },
  ),
);
const annotations = odd(
  fc.dictionary(
    fc.oneof(
      fc.constantFrom('a', '__proto__', 'original-image.drayage.dev/web'),
      fc.string({ maxLength: 5 }),
    ),
    odd(fc.string()),
    { maxKeys: 3 },
  ),
);
const pod = odd(
  fc.record(
    {
      metadata: odd(
        fc.record({ name: odd(name), annotations, labels: fc.jsonValue() }, { requiredKeys: [] }),
      ),
      spec: odd(
        fc.record(
          {
            containers,
            initContainers: containers,
            ephemeralContainers: containers,
            volumes: odd(fc.array(volume, { maxLength: 3 })),
            hostNetwork: fc.jsonValue(),
          },
          { requiredKeys: ['containers'] },
        ),
      ),
    },
    { requiredKeys: ['spec', 'metadata'] },
  ),
);
const request = fc.record(
  {
    object: pod,
    oldObject: fc.option(pod),
    operation: fc.constantFrom('CREATE', 'CREATE', 'CREATE', 'UPDATE', 'DELETE', 'CONNECT'),
    subResource: fc.constantFrom('', '', '', 'ephemeralcontainers', 'exec'),
    dryRun: fc.boolean(),
    uid: fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
  },
  { requiredKeys: ['object', 'operation'] },
);
const choice = fc.record({ missing: fc.constantFrom(...missingChoices), tags: fc.boolean() });

/** What we may change is replaced by a mark; everything else has to stay. */
function withoutOurs(object: unknown): unknown {
  const copy = structuredClone(object) as {
    metadata?: { annotations?: Record<string, unknown> | null };
    spec?: Record<string, unknown>;
  };
  for (const list of ['containers', 'initContainers', 'ephemeralContainers'])
    for (const each of [copy?.spec?.[list]].flat() as ({ image?: unknown } | null)[])
      if (typeof each?.image === 'string') each.image = 'ours';
  for (const each of [copy?.spec?.volumes].flat() as ({ image?: { reference?: unknown } | null } | null)[])
    if (typeof each?.image?.reference === 'string') each.image.reference = 'ours';
  const own = copy?.metadata?.annotations;
  if (own && typeof own === 'object' && !Array.isArray(own)) {
    for (const key of Object.keys(own)) if (key.startsWith('original-image.drayage.dev/')) delete own[key];
    if (Object.keys(own).length === 0) delete copy.metadata?.annotations;
  } else if (own === null) delete copy.metadata?.annotations;
  return copy;
}

describe(`for ${numRuns} AdmissionReviews, there is a definite answer`, () => {
  it('that changes only images and our annotations, and twice is once', { timeout }, async () => {
    let changed = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(request, choice, async (asked, chosen) => {
        // As it comes from the wire: without what JSON does not have.
        const review = JSON.parse(JSON.stringify(reviewOf(asked as object)));
        const { uid, object } = review.request as { uid: string; object: unknown };
        const { answer, outcomes, enqueued } = await answered(review, chosen);
        expect(answer.response.uid).toBe(uid);
        expect(outcomes).toHaveLength(1);
        expect(outcomes[0]?.failure).toBeUndefined();
        if (asked.dryRun) expect(enqueued).toEqual([]);
        if (!answer.response.allowed) {
          refused++;
          expect(chosen.missing).toBe('deny');
          expect(answer.response.patch).toBeUndefined();
          return;
        }
        for (const warning of answer.response.warnings ?? []) expect(warning).toMatch(/^[\x20-\x7e]{1,256}$/);
        if (patchOf(answer).length === 0) return;
        changed++;
        const once = patched(object, answer);
        expect(withoutOurs(once)).toEqual(withoutOurs(object));
        expect(patched(once, answer)).toEqual(once);
        const again = await answered({ ...review, request: { ...review.request, object: once } }, chosen);
        expect(again.answer.response.patch).toBeUndefined();
      }),
      { numRuns },
    );
    expect(changed).toBeGreaterThan(numRuns / 8);
    expect(refused).toBeGreaterThan(numRuns / 50);
  });

  it('also for bodies of any shape', { timeout }, async () => {
    const body = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc
        .tuple(
          request,
          fc.constantFrom('uid', 'kind', 'operation', 'object', 'dryRun', 'subResource'),
          fc.jsonValue(),
        )
        .map(([asked, key, value]) => JSON.stringify(reviewOf({ ...(asked as object), [key]: value }))),
      fc
        .tuple(request, fc.nat(400))
        .map(([asked, length]) => JSON.stringify(reviewOf(asked as object)).slice(0, length)),
    );
    let read = 0;
    await fc.assert(
      fc.asyncProperty(body, choice, async (text, chosen) => {
        try {
          const { answer } = await answered(text, chosen);
          expect(answer.response.uid).toBe(JSON.parse(text).request.uid);
          read++;
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidReviewError);
        }
      }),
      { numRuns },
    );
    expect(read).toBeGreaterThan(numRuns / 20);
  });
});
