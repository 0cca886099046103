import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../core/oci/digest.ts';
import {
  formatFamiliar,
  formatReference,
  InvalidReferenceError,
  isRepository,
  isTag,
  parseReference,
  type Reference,
} from '../../../core/oci/reference.ts';

// Always the same cases, so that a failure is reproducible.

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const digest = fc.oneof(
  hex(64).map((digits): Digest => `sha256:${digits}`),
  hex(128).map((digits): Digest => `sha512:${digits}`),
);
const component = fc.stringMatching(/^[a-z0-9]{1,6}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,6}){0,2}$/);
const repository = fc
  .oneof(
    fc.array(component, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
    fc.constantFrom(
      'localhost/app',
      'a.b/app',
      'library/localhost',
      'sha256',
      'docker.io/app',
      'library/a/b',
    ),
  )
  .filter(isRepository);
const registry = fc.oneof(
  fc.constantFrom(
    'docker.io',
    'localhost',
    'registry:5000',
    '127.0.0.1:80',
    '[::1]',
    '[fe80::a]:5000',
    'Hub',
  ),
  fc.stringMatching(/^[a-zA-Z0-9]{1,8}\.[a-z]{2,4}(?::[0-9]{1,5})?$/),
);
const tag = fc.stringMatching(/^\w[\w.-]{0,20}$/);
const version = fc.oneof(
  fc.record({ tag }),
  fc.record({ digest }),
  fc.record({ tag, digest }),
  fc.constant<{ tag?: string }>({}),
);

/**
 * References as `parseReference` gives them: on Docker Hub a name of one component is in `library`.
 */
const reference = fc.record({ registry, repository, version }).map((parts): Reference => {
  const official = parts.registry === 'docker.io' && !parts.repository.includes('/');
  return {
    registry: parts.registry,
    repository: official ? `library/${parts.repository}` : parts.repository,
    ...parts.version,
  };
});
const versioned = reference.filter((ref) => ref.tag !== undefined || ref.digest !== undefined);

/** Texts that come close to references. */
const nearly = fc
  .array(
    fc.constantFrom('a', 'B', '9', '/', ':', '@', '.', '_', '-', '[', ']', 'sha256:', 'docker.io', '\n'),
    {
      maxLength: 20,
    },
  )
  .map((parts) => parts.join(''));

describe('references', () => {
  it('are read back from their full and familiar forms', () => {
    fc.assert(
      fc.property(versioned, (ref) => {
        expect(parseReference(formatReference(ref))).toEqual(ref);
        expect(parseReference(formatFamiliar(ref))).toEqual(ref);
      }),
    );
  });

  it('are normalised once and for all, and lose nothing by it', () => {
    fc.assert(
      fc.property(reference, (ref) => {
        const full = formatReference(parseReference(formatReference(ref)));
        expect(formatReference(parseReference(full))).toBe(full);
        expect(full.startsWith(formatReference(ref))).toBe(true);
      }),
    );
  });

  it('throw nothing but InvalidReferenceError for any text, and are well formed otherwise', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), nearly), (text) => {
        let ref: Reference;
        try {
          ref = parseReference(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidReferenceError);
          return;
        }
        expect(isRepository(ref.repository)).toBe(true);
        expect(ref.tag === undefined || isTag(ref.tag)).toBe(true);
        expect(ref.tag ?? ref.digest).toBeDefined();
        expect(parseReference(formatReference(ref))).toEqual(ref);
        expect(parseReference(formatFamiliar(ref))).toEqual(ref);
      }),
      { numRuns: 300 },
    );
  });
});
