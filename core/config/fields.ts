import * as z from 'zod';
import { durationProblem } from './duration.ts';

/** What an error message says about a field: what belongs there, and an example in YAML. */
export interface FieldHelp {
  /** Completes "must be …": `a region`. */
  what: string;
  example: string;
  /** What to do if it is missing, unless that is just to add it. */
  missing?: string;
}

/** Describes what is wrong with a text and what to write instead; undefined if it is right. */
export type TextProblem = (text: string) => string | undefined;

/** A text field with a check of its own. */
export function text(help: FieldHelp, problem: TextProblem) {
  return z
    .string()
    .superRefine((value, context) => {
      const message = problem(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .meta({ ...help });
}

/** A text that must match a pattern as a whole. */
export function textLike(help: FieldHelp, pattern: RegExp) {
  return text(help, (value) =>
    pattern.test(value)
      ? undefined
      : `${shown(value)} is not ${help.what}; write, for example, ${help.example}`,
  ).meta({ ...help, ...(pattern.flags === '' && { pattern: pattern.source }) });
}

/** The name or ARN of a secret. */
export function secretName(example: string) {
  return textLike(
    { what: 'the name or ARN of a secret in Secrets Manager', example },
    /^(?:arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[\w/+=.@-]{1,512}$/,
  );
}

/** A duration such as `30d`. */
export function duration(example: string) {
  return text({ what: 'a duration', example }, durationProblem).meta({
    what: 'a duration',
    example,
    pattern: '^\\d{1,10}[smhdw]$',
  });
}

/** A duration, or the word `never`. */
export function durationOrNever(example: string) {
  return text({ what: 'a duration, or never', example }, (value) =>
    value === 'never' ? undefined : durationProblem(value),
  );
}

/** A list whose items are all different. */
export function distinct<T extends z.ZodType>(item: T, help: FieldHelp) {
  return z
    .array(item)
    .superRefine((items, context) => {
      for (const [index, value] of items.entries()) {
        const first = items.indexOf(value);
        if (first < index)
          context.addIssue({
            code: 'custom',
            path: [index],
            message: `${shown(value)} is in the list already; keep one of them`,
          });
      }
    })
    .meta({ ...help });
}

/** A value as it is quoted in messages: short, and on one line. */
export function shown(value: unknown): string {
  const json = jsonOf(value);
  return json.length > 120 ? `${json.slice(0, 119)}…` : json;
}

/** JSON is read to any depth, and written only as deep as the stack. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch (error) {
    if (error instanceof RangeError) return Array.isArray(value) ? '[…]' : '{…}';
    throw error;
  }
}

/**
 * Reads an http or https URL; undefined if the text is not one. (`URL.parse` does not exist before
 * Node 22.)
 */
export function httpUrl(value: string): URL | undefined {
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined;
}

/** A host name or an address with optional port, as in `Host` headers; IPv6 in brackets. */
export const hostPattern =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(?::[1-9]\d{0,4})?$/;
