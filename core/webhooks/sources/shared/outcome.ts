import type * as z from 'zod';
import { isDigest } from '../../../oci/digest.ts';
import { formatReference, isRepository, isTag } from '../../../oci/reference.ts';
import type { IgnoredEvent, PushEvent, WebhookOutcome } from '../../source.ts';

/** What a source makes of one event. */
export type EventReading = { event: PushEvent } | { ignored: IgnoredEvent };

/** Gathers readings into an outcome. */
export function outcomeOf(readings: EventReading[]): WebhookOutcome {
  return {
    kind: 'events',
    events: readings.flatMap((reading) => ('event' in reading ? [reading.event] : [])),
    ignored: readings.flatMap((reading) => ('ignored' in reading ? [reading.ignored] : [])),
  };
}

/** An event that is ignored. */
export function ignore(reason: string, image?: string): EventReading {
  return { ignored: { ...(image !== undefined && { image }), reason } };
}

/**
 * Reads each item of a list in a payload on its own, so that an invalid one does not affect the
 * others.
 *
 * @param path the list's path in the payload
 * @param max how many items are read: a real delivery has fewer
 */
export function readEach(
  items: readonly unknown[],
  path: string,
  max: number,
  read: (item: unknown, path: string) => EventReading,
): EventReading[] {
  const readings = items.slice(0, max).map((item, index) => read(item, `${path}[${index}]`));
  if (items.length > max)
    readings.push(ignore(`malformed: ${path} has ${items.length} items, and only ${max} were read`));
  return readings;
}

/**
 * The path of a field in a payload.
 *
 * @param path the path of the object that has the field; empty: it is the body
 */
export function fieldAt(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`;
}

/** Whether a payload, or a part of it, is an object that has the field. */
export function hasField<Field extends string>(
  value: unknown,
  field: Field,
): value is Record<Field, unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, field);
}

/**
 * The event of an image whose parts come from a payload.
 *
 * @param paths the paths of repository and tag in the payload, for the reason if they are invalid
 * @param digest what the tag points to according to the payload; left out if it is not a digest
 */
export function imagePushed(
  image: { registry: string; repository: string; tag: string },
  paths: { repository: string; tag: string },
  digest?: unknown,
): EventReading {
  if (!isRepository(image.repository))
    return ignore(`malformed: ${paths.repository} names no repository: ${excerpt(image.repository)}`);
  if (!isTag(image.tag)) return ignore(`malformed: ${paths.tag} is not a tag: ${excerpt(image.tag)}`);
  return { event: { image, ...(isDigest(digest) && { digest }) } };
}

/** The reason for a payload that does not match a schema: the first problem, with its path. */
export function malformed(error: z.ZodError, body: unknown, base = ''): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'malformed: body';
  const path = issue.path.reduce<string>(
    (written, key) => (typeof key === 'number' ? `${written}[${key}]` : fieldAt(written, String(key))),
    base,
  );
  const expected = 'expected' in issue ? expectedName(issue.expected) : 'something else';
  return `malformed: ${path || 'body'} must be ${expected}, found ${typeName(valueAt(body, issue.path))}`;
}

/** The full name of an image that a webhook names. */
export function imageName(event: PushEvent): string {
  return formatReference(event.image);
}

/** A text from a payload, shortened and quoted for an answer. */
export function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function expectedName(type: string): string {
  return type === 'array' || type === 'object' ? `an ${type}` : `a ${type}`;
}

function typeName(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function valueAt(value: unknown, path: PropertyKey[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[key];
  }
  return found;
}
