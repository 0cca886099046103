import * as z from 'zod';
import { byteSize } from '../../config/byte-size.ts';
import { type ContentRequirements, scanSeverities } from '../../config/content-requirements.ts';
import { durationProblem, durationSeconds, secondsOf } from '../../config/duration.ts';
import { distinct, shown, text } from '../../config/fields.ts';
import { parsePlatform, platformMatches } from '../../oci/platform.ts';
import type { Finding } from '../explain.ts';
import type { YamlPath } from '../read-yaml.ts';
import { normalisePlatforms, platform } from './platform.ts';

/** A job's record is kept for 30 days; one that waits must not be forgotten. */
const longestAgeSeconds = 14 * 86_400;
const longestWaitSeconds = 3_600;
/** What a rule may ask for at most: real ones ask for a few. */
const mostPairs = 50;

const maxBytes = z
  .union([z.number(), z.string()])
  .superRefine((value, context) => {
    if (byteSize(value) === undefined)
      context.addIssue({
        code: 'custom',
        message: `${shown(value)} is not a size; write a whole number of bytes, or a number with a unit (MB, GB, MiB, GiB), such as 5GB`,
      });
  })
  .meta({ what: 'a size', example: '5GB' });

function limitedDuration(example: string, limit: { seconds: number; text: string; why: string }) {
  return text({ what: 'a duration', example }, (value) => {
    const problem = durationProblem(value);
    if (problem !== undefined || (durationSeconds(value) ?? 0) <= limit.seconds) return problem;
    return `${shown(value)} is too long, since ${limit.why}; write at most ${limit.text}`;
  });
}

/** Names and values that must be equal to those of the image. */
function pairs(what: string, example: string) {
  const name = text({ what: 'a name', example: 'org.opencontainers.image.vendor' }, (value) =>
    value.length > 0 && value.length <= 256
      ? undefined
      : `${shown(value)} can’t be a name; write 1 to 256 characters`,
  );
  const wanted = text({ what: 'text', example: 'Acme' }, (value) =>
    value.length <= 4_096 ? undefined : `has ${value.length} characters; write at most 4096`,
  );
  return z
    .record(name, wanted)
    .superRefine((all, context) => {
      const count = Object.keys(all).length;
      if (count > mostPairs)
        context.addIssue({ code: 'custom', message: `has ${count} entries; write at most ${mostPairs}` });
    })
    .meta({ what, example });
}

const scan = z
  .strictObject({
    block: z
      .enum(scanSeverities)
      .meta({ what: `a severity (${scanSeverities.join(', ')})`, example: 'CRITICAL' }),
    wait: limitedDuration('10m', {
      seconds: longestWaitSeconds,
      text: '1h',
      why: 'the mirror stays behind its upstream meanwhile',
    }).default('10m'),
  })
  .meta({ what: 'a mapping with block', example: '{ block: CRITICAL, wait: 10m }' });

/** The key `require` of a rule. */
export const requireSchema = z
  .strictObject({
    maxBytes: maxBytes.optional(),
    platforms: distinct(platform, { what: 'a list of platforms', example: '[linux/amd64, linux/arm64]' })
      .min(1)
      .optional(),
    labels: pairs('a mapping of labels', '{ org.opencontainers.image.vendor: Acme }').optional(),
    annotations: pairs('a mapping of annotations', '{ org.opencontainers.image.vendor: Acme }').optional(),
    age: limitedDuration('24h', {
      seconds: longestAgeSeconds,
      text: '14d',
      why: 'jobs are not kept for longer than 30 days',
    }).optional(),
    scan: scan.optional(),
  })
  .refine((all) => Object.values(all).some((value) => value !== undefined && !isEmpty(value)), {
    message:
      'is empty; write what images must be like (maxBytes, platforms, labels, annotations, age, scan), or leave require out',
  })
  .meta({
    what: 'a mapping with maxBytes, platforms, labels, annotations, age or scan',
    example: '{ maxBytes: 5GB, age: 24h }',
  });

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** The requirements that a valid `require` means. */
export function normaliseRequire(file: z.output<typeof requireSchema>): ContentRequirements {
  const { maxBytes: size, platforms, labels, annotations, age, scan: scanned } = file;
  const some = (all: Record<string, string> | undefined) =>
    all === undefined || Object.keys(all).length === 0 ? undefined : all;
  return {
    ...(size !== undefined && { maxBytes: byteSize(size) ?? 0 }),
    ...(platforms && {
      platforms: normalisePlatforms(platforms),
    }),
    ...(some(labels) && { labels: labels as Record<string, string> }),
    ...(some(annotations) && { annotations: annotations as Record<string, string> }),
    ...(age !== undefined && { ageSeconds: secondsOf(age) }),
    ...(scanned && { scan: { block: scanned.block, waitSeconds: secondsOf(scanned.wait) } }),
  };
}

/**
 * What `require` demands and other settings make impossible. Values of the wrong type are left to
 * the schema.
 *
 * @param at reads the file at a path
 * @param path of the rule
 */
export function requireFindings(at: (path: YamlPath) => unknown, path: YamlPath): Finding[] {
  const own = (...keys: string[]): YamlPath => [...path, 'require', ...keys];
  const findings: Finding[] = [];
  const mirrored = platformsIn(at([...path, 'platforms']));
  const required = at(own('platforms'));
  if (mirrored.length > 0 && Array.isArray(required)) {
    for (const [index, name] of required.entries()) {
      const [wanted] = platformsIn([name]);
      if (wanted === undefined || mirrored.some((one) => platformMatches(one, wanted))) continue;
      findings.push({
        path: [...own('platforms'), index],
        message: `${shown(name)} is not among the rule’s platforms, so no image would have it; add it to \`platforms\`, or take it out here`,
      });
    }
  }
  if (at(own('scan')) !== undefined && at(['mirror', 'repository', 'scanOnPush']) === false)
    findings.push({
      path: own('scan'),
      message:
        'nothing would be scanned, since mirror.repository.scanOnPush is false; remove that setting (the default is true), or take scan out. Enhanced scanning ignores that setting, so it can stay true',
    });
  for (const key of ['labels', 'annotations'])
    if (hasOwn(at(own(key)), '__proto__'))
      findings.push({
        path: own(key),
        message: '`__proto__` can’t be required; remove it, and require another name',
      });
  return findings;
}

function hasOwn(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}

function platformsIn(value: unknown) {
  return (Array.isArray(value) ? value : []).flatMap((name) => {
    try {
      return typeof name === 'string' ? [parsePlatform(name)] : [];
    } catch {
      return []; // the schema tells
    }
  });
}
