import * as z from 'zod';

/**
 * A schema that describes exactly the values of a type: one that describes others, or leaves some
 * out, does not compile. `exactly<Mapping>()(z.object({ … }))`
 */
export const exactly =
  <T>() =>
  <S extends z.ZodType<T>>(schema: S & ([T] extends [z.output<S>] ? unknown : never)): S =>
    schema;

/** An example that the other examples refer to. */
export const exampleDigest = 'sha256:50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c';
export const exampleImage = 'ghcr.io/acme/shop:1.0';
export const exampleJob = '01m85ak3j23mt8andghk1jng1z';

/** A text that answers call a digest, as `isDigest` checks it. */
export const digest = z
  .templateLiteral([z.enum(['sha256', 'sha512']), ':', z.string().regex(/[a-f0-9]{64,128}/)])
  .meta({
    id: 'Digest',
    description: 'A content digest: `sha256:` or `sha512:` and hexadecimal digits in lower case.',
    examples: [exampleDigest],
  });

/** A time of an answer: ISO 8601, in UTC. */
export const time = z.iso.datetime().meta({ description: 'ISO 8601, UTC' });

/** A count of an answer. */
export const count = z.int().min(0);

/** A mapping's or job's number of blobs, and their bytes. */
export const amount = z
  .object({ blobs: count, bytes: count })
  .meta({ id: 'Amount', description: 'A number of blobs, and their bytes.' });

const referrerFailure = {
  code: z.string(),
  reason: z.string(),
  temporary: z.literal(true).exactOptional().describe('A later attempt may succeed.'),
};

/** What belongs to an image. */
export const referrers = z
  .object({
    copied: count.describe('How many of them the mirror holds.'),
    missing: z
      .array(
        z.object({
          digest,
          artifactType: z.string().exactOptional(),
          tag: z.string().exactOptional(),
          ...referrerFailure,
        }),
      )
      .describe('Those that it does not hold, at most 20.'),
    moreMissing: count.exactOptional().describe('How many more are missing.'),
    incomplete: z
      .object(referrerFailure)
      .exactOptional()
      .describe('Why there may be more upstream than was found.'),
  })
  .meta({
    id: 'Referrers',
    description: 'The signatures, attestations and SBOMs of an image, as of the last look.',
  });

/** What was verified before an image was mirrored. */
export const verified = z
  .object({
    digest: digest.describe(
      'What is signed: the upstream’s digest, or of a manifest below an index, that of the index.',
    ),
    at: time.describe('When it was verified.'),
    signatures: z
      .array(
        z.object({
          kind: z.enum(['signature', 'attestation']),
          by: z.string().describe('A key’s fingerprint, a KMS key, or an identity and its issuer.'),
          manifest: digest.describe('The manifest that holds it, in the upstream’s repository.'),
          predicateType: z.string().exactOptional().describe('An attestation’s.'),
          signedAt: time
            .exactOptional()
            .describe('When a transparency log or timestamp authority saw it, if one did.'),
        }),
      )
      .describe('At least one for each requirement that is met, at most 20.'),
  })
  .meta({ id: 'Verified', description: 'What `verify` of the rule required, and who signed it.' });
