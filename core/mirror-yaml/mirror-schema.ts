import * as z from 'zod';
import { distinct, duration, text, textLike } from '../config/fields.ts';

const region = textLike(
  { what: 'an AWS region', example: 'eu-west-1' },
  /^[a-z]{2,5}(?:-[a-z]+){1,3}-\d{1,2}$/,
);

/**
 * Leaves room for registry and repository within the 256 characters of an ECR repository's name.
 */
const longestPrefix = 100;

const repositoryPrefix = text({ what: 'the beginning of repository names', example: 'mirror' }, (value) => {
  if (value.length > longestPrefix) return `has ${value.length} characters; write at most ${longestPrefix}`;
  if (/^[a-z0-9]+(?:[._-][a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-][a-z0-9]+)*)*$/.test(value)) return undefined;
  return `${JSON.stringify(value)} can't begin an ECR repository name; write lower-case letters and digits, joined by one of . _ - and /, such as mirror`;
});

const kmsKey = textLike(
  { what: 'a KMS key (its ARN, ID or alias)', example: 'alias/mirror' },
  /^(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key|alias)\/[\w/-]+|alias\/[\w/-]+|(?:mrk-)?[0-9a-f-]{32,36})$/,
);

const accountId = textLike({ what: 'an account ID of 12 digits', example: '"111122223333"' }, /^\d{12}$/);

/**
 * Each account is about 35 of the 10,240 characters of a repository policy, which may have other
 * statements. https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html
 */
const mostPullAccounts = 200;

const organizationId = textLike(
  { what: 'an organization ID', example: 'o-a1b2c3d4e5' },
  /^o-[a-z0-9]{10,32}$/,
);

/**
 * At most five filters of at most two wildcards each.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
 */
const immutableExcept = z
  .array(
    text({ what: 'a pattern for tags', example: '"latest*"' }, (value) => {
      if (!/^[0-9A-Za-z._*-]{1,128}$/.test(value))
        return `${JSON.stringify(value)} is not an ECR tag filter; write 1 to 128 letters, digits, . _ - and *`;
      return value.split('*').length > 3 ? `${JSON.stringify(value)} has more than two *` : undefined;
    }),
  )
  .min(1)
  .max(5)
  .meta({ what: 'a list of tag patterns', example: '["latest*"]' });

/** ECR's own rule. Only the fields used here are checked; the rest is up to ECR. */
const lifecycleRule = z.looseObject({
  rulePriority: z.int().min(1).meta({ what: 'a whole number from 1', example: '1' }),
  selection: z.looseObject({
    tagStatus: z.enum(['tagged', 'untagged', 'any']).meta({ what: 'a tag status', example: 'tagged' }),
    countType: z.string().min(1).meta({ what: 'a count type', example: 'sinceImagePushed' }),
    countNumber: z.int().min(1).meta({ what: 'a whole number from 1', example: '90' }),
  }),
  action: z.looseObject({ type: z.string().min(1).meta({ what: 'an action', example: 'expire' }) }),
});

/**
 * A repository has at most 50 tags; some are left for those that others set.
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html
 */
const mostTags = 40;
const tagCharacters = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

const tagKey = text({ what: 'the key of a tag', example: 'team' }, (key) => {
  if (/^aws:/i.test(key))
    return `${JSON.stringify(key)} begins with aws:, which AWS reserves; write another key`;
  if (key.length > 0 && key.length <= 128 && tagCharacters.test(key)) return undefined;
  return `${JSON.stringify(key)} can’t be the key of a tag; write 1 to 128 letters, digits, spaces and _ . : / = + - @`;
});

const tagValue = text({ what: 'text', example: 'platform' }, (value) =>
  value.length <= 256 && tagCharacters.test(value)
    ? undefined
    : `${JSON.stringify(value)} can’t be the value of a tag; write at most 256 letters, digits, spaces and _ . : / = + - @`,
);

const resourceTags = z
  .record(tagKey, tagValue)
  .superRefine((tags, context) => {
    const count = Object.keys(tags).length;
    if (count > mostTags)
      context.addIssue({ code: 'custom', message: `has ${count} tags; write at most ${mostTags}` });
  })
  .meta({ what: 'a mapping of tags', example: '{ team: platform }' });

/** Settings of the repositories in the mirror, as mirror.yaml has them. */
const repositorySettings = z.strictObject({
  scanOnPush: z.boolean().default(true),
  encryption: z
    .union([z.literal('AES256'), z.strictObject({ kmsKey })])
    .default('AES256')
    .meta({ what: 'AES256 or a mapping with kmsKey', example: '{ kmsKey: alias/mirror }' }),
  immutableTags: z
    .union([z.boolean(), z.strictObject({ except: immutableExcept })])
    .default(false)
    .meta({ what: 'true, false or a mapping with except', example: '{ except: ["latest*"] }' }),
  pullAccounts: distinct(accountId, {
    what: `a list of at most ${mostPullAccounts} account IDs (name their organization for more)`,
    example: '["111122223333"]',
  })
    .max(mostPullAccounts)
    .default([]),
  organizations: distinct(organizationId, {
    what: 'a list of organization IDs',
    example: '[o-a1b2c3d4e5]',
  }).default([]),
  lifecycle: z.array(lifecycleRule).default([]).meta({
    what: 'a list of ECR lifecycle rules',
    example:
      '[{ rulePriority: 1, selection: { tagStatus: tagged, tagPatternList: ["*"], countType: sinceImagePushed, countUnit: days, countNumber: 400 }, action: { type: expire } }]',
  }),
  tags: resourceTags.optional(),
});

/** The key `mirror`. */
export const mirrorSchema = z
  .strictObject({
    regions: distinct(region, { what: 'a list of AWS regions', example: '[eu-west-1]' }).min(1),
    repositoryPrefix: repositoryPrefix.default('mirror'),
    repository: repositorySettings.prefault({}),
    history: duration('30d').default('30d'),
  })
  .meta({ what: 'a mapping with regions', example: '{ regions: [eu-west-1] }' });

const hostName = textLike(
  { what: 'a host name', example: 'mirror.example.com' },
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/,
);

const certificate = textLike(
  {
    what: 'the ARN of an ACM certificate',
    example: 'arn:aws:acm:eu-west-1:111122223333:certificate/12345678-1234-1234-1234-123456789012',
  },
  /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
);

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const truststore = textLike(
  { what: 'an object in S3 with the PEM certificates of authorities', example: 's3://my-bucket/clients.pem' },
  /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\/[^\s]{1,1024}$/,
);

const mutualTls = z
  .strictObject({
    truststore,
    version: textLike(
      { what: 'the version of an S3 object', example: '3sL4kqtJlcpXroDTDmJ' },
      /^[\w.+/=-]{1,1024}$/,
    ).optional(),
  })
  .meta({ what: 'a mapping with truststore', example: '{ truststore: s3://my-bucket/clients.pem }' });

/** The key `api`. */
export const apiSchema = z.strictObject({
  reads: z
    .enum(['token', 'iam', 'none'])
    .default('token')
    .meta({ what: 'token, iam or none', example: 'token' }),
  domain: z
    .strictObject({ name: hostName, certificate, mutualTls: mutualTls.optional() })
    .meta({
      what: 'a mapping with name and certificate',
      example: '{ name: mirror.example.com, certificate: arn:… }',
    })
    .optional(),
});

/** The key `alarms`. */
export const alarmsSchema = z.strictObject({
  topic: textLike(
    { what: 'the ARN of an SNS topic', example: 'arn:aws:sns:eu-west-1:111122223333:alarms' },
    /^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]+$/,
  ).optional(),
  lag: duration('15m').default('15m'),
});

/** The key `encryption`. An alias could lead to another key later, which would lock data in. */
export const encryptionSchema = z
  .strictObject({
    kmsKey: textLike(
      {
        what: 'the ARN of a KMS key',
        example: 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
      },
      /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/(?:mrk-)?[0-9a-f-]{32,36}$/,
    ),
  })
  .meta({ what: 'a mapping with kmsKey', example: '{ kmsKey: arn:… }' });
