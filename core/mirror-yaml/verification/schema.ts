import * as z from 'zod';
import { shown, text } from '../../config/fields.ts';
import { predicateTypeOf, predicateTypes } from '../../verify/claims/predicate-types.ts';
import { PublicKeyError, parsePublicKey } from '../../verify/public-key.ts';
import { kmsKeyOf, kmsKeyProblem } from './kms-key.ts';

const key = text(
  { what: 'a file with a public key, the key itself in PEM form, or awskms:///…', example: 'cosign.pub' },
  keyProblem,
);

function keyProblem(value: string): string | undefined {
  if (value.includes('-----BEGIN')) return pemProblem(value);
  if (kmsKeyOf(value) !== undefined) return kmsKeyProblem(value);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(value)?.[1];
  if (scheme !== undefined)
    return `${scheme}:// keys can’t be read here; write the public key into a file: cosign public-key --key ${scheme}://… > cosign.pub`;
  if (value.trim() === '' || /[\n\r\0]/.test(value))
    return 'is neither the name of a file nor a key in PEM form; write, for example, cosign.pub';
  return undefined;
}

function pemProblem(pem: string): string | undefined {
  try {
    parsePublicKey(pem);
    return undefined;
  } catch (error) {
    if (error instanceof PublicKeyError) return error.message;
    throw error;
  }
}

/** A text that must be equal, or `{pattern: …}`. */
function textMatch(what: string, example: string) {
  const pattern = text(
    { what: 'a pattern in which * matches any characters', example: '"https://github.com/acme/*"' },
    (value) => {
      if (value === '') return 'is empty; write a pattern, such as "https://github.com/acme/*"';
      if (/^\**$/.test(value))
        return `${shown(value)} matches everything, so it requires nothing; write what must match`;
      return value.length > 1_000 ? `has ${value.length} characters; write at most 1000` : undefined;
    },
  );
  const exact = text({ what, example }, (value) => {
    if (value === '') return `is empty; write ${what}`;
    return value.includes('*')
      ? `${shown(value)} has a *, which is only special in a pattern; write { pattern: ${shown(value)} }`
      : undefined;
  });
  return z.union([exact, z.strictObject({ pattern })]).meta({ what: `${what}, or { pattern: … }`, example });
}

const keyless = z
  .strictObject({
    issuer: textMatch(
      'the issuer that authenticated the identity',
      'https://token.actions.githubusercontent.com',
    ),
    identity: textMatch(
      'the identity that the certificate is for',
      '"https://github.com/acme/app/.github/workflows/release.yml@refs/heads/main"',
    ),
  })
  .meta({
    what: 'a mapping with issuer and identity',
    example: '{ issuer: https://accounts.google.com, identity: ci@example.com }',
  });

const trustedRoot = text({ what: 'a file with a trusted root', example: 'trusted-root.json' }, (value) =>
  value.trim() === '' || /[\n\r\0]/.test(value)
    ? 'is not the name of a file; write, for example, trusted-root.json'
    : undefined,
);

/** Who must have signed: one of both. */
const authority = { key: key.optional(), keyless: keyless.optional(), trustedRoot: trustedRoot.optional() };

interface WrittenAuthority {
  key?: string | undefined;
  keyless?: unknown;
  trustedRoot?: string | undefined;
}

function authorityProblem({ key, keyless, trustedRoot }: WrittenAuthority): string | undefined {
  if (key !== undefined && keyless !== undefined)
    return 'has both key and keyless; write one of them, or a list of two requirements: either of them is then enough';
  if (key === undefined && keyless === undefined)
    return 'does not say who must have signed; write key: cosign.pub, or keyless: { issuer: …, identity: … }';
  if (trustedRoot !== undefined && keyless === undefined)
    return 'has a trustedRoot, which only keyless signatures need; leave it out';
  return undefined;
}

const cosign = z
  .strictObject(authority)
  .superRefine((value, context) => report(authorityProblem(value), context))
  .meta({ what: 'a mapping with key or keyless', example: '{ key: cosign.pub }' });

const predicateType = text({ what: 'an attestation type', example: 'slsaprovenance1' }, (value) =>
  predicateTypeOf(value) === undefined
    ? `${shown(value)} is not an attestation type; write a URI, or one of ${Object.keys(predicateTypes).join(', ')}`
    : undefined,
);

/** Deeper fields are not looked for. */
const deepestField = 12;

const where = z
  .record(
    z.string().superRefine((path, context) => {
      const parts = path.split('.');
      if (parts.includes('') || parts.length > deepestField)
        report(
          `${shown(path)} is not a path of at most ${deepestField} names separated by dots; write, for example, runDetails.builder.id`,
          context,
        );
    }),
    z
      .union([
        textMatch('the value', '"https://github.com/actions/runner/github-hosted"'),
        z.number(),
        z.boolean(),
      ])
      .meta({
        what: 'a value, or { pattern: … }',
        example: '"https://github.com/actions/runner/github-hosted"',
      }),
  )
  .superRefine((fields, context) =>
    report(Object.keys(fields).length === 0 ? 'is empty; name a field, or leave it out' : undefined, context),
  )
  .meta({ what: 'a mapping of fields to values', example: '{ runDetails.builder.id: "https://…" }' });

const attestation = z
  .strictObject({ type: predicateType, where: where.optional(), ...authority })
  .superRefine((value, context) => report(authorityProblem(value), context))
  .meta({
    what: 'a mapping with type, and key or keyless',
    example: '{ type: slsaprovenance1, key: cosign.pub }',
  });

const requirement = z
  .strictObject({
    cosign: cosign.optional(),
    attestation: attestation.optional(),
    keyless: keyless.optional(),
    trustedRoot: trustedRoot.optional(),
  })
  .superRefine((value, context) => {
    const kinds = (['cosign', 'keyless', 'attestation'] as const).filter((kind) => value[kind] !== undefined);
    if (kinds.length === 0) report('is empty; write cosign, keyless or attestation', context);
    else if (kinds.length > 1)
      report(
        `has ${kinds.join(' and ')} in one requirement; write { all: [{ ${kinds[0]}: … }, { ${kinds[1]}: … }] } if both are needed, or a list if either is enough`,
        context,
      );
    else if (value.trustedRoot !== undefined && value.keyless === undefined)
      report(`has a trustedRoot beside ${kinds[0]}; write it beside keyless`, context);
  })
  .meta({
    what: 'a mapping with cosign, keyless or attestation',
    example: '{ cosign: { key: cosign.pub } }',
  });

const requirements = z.array(requirement).min(1).max(20).meta({
  what: 'a list of at most 20 requirements',
  example: '[{ cosign: { key: cosign.pub } }]',
});

/** The key `verify` of a rule. */
export const verifySchema = z
  .union([
    requirement,
    requirements,
    z.strictObject({ all: requirements }),
    z.strictObject({ any: requirements }),
  ])
  .meta({
    what: 'a mapping with cosign, keyless or attestation, or a list of them',
    example: '{ cosign: { key: cosign.pub } }',
  });

function report(
  message: string | undefined,
  context: { addIssue(issue: { code: 'custom'; message: string }): void },
) {
  if (message !== undefined) context.addIssue({ code: 'custom', message });
}
