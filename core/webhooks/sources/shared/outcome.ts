import type * as z from 'zod';
import { isDigest } from '../../../oci/digest.ts';
import { formatReference, isRepository, isTag, type Reference } from '../../../oci/reference.ts';
import type { DeletionEvent, IgnoredEvent, PushEvent, WebhookOutcome } from '../../source.ts';

/** What a source makes of one event. */
export type EventReading = { event: PushEvent } | { deletion: DeletionEvent } | { ignored: IgnoredEvent };

/** Gathers readings into an outcome. */
export function outcomeOf(readings: EventReading[]): WebhookOutcome {
  return {
    kind: 'events',
    events: readings.flatMap((reading) => ('event' in reading ? [reading.event] : [])),
    deletions: readings.flatMap((reading) => ('deletion' in reading ? [reading.deletion] : [])),
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

/** What a payload says about an image that is gone. */
export interface DeletedParts {
  registry: string;
  repository: string;
  /** Some senders put the digest here if there is no tag. */
  tag?: string | null | undefined;
  digest?: unknown;
}

/**
 * The event of a deleted image whose parts come from a payload. Without tag and digest, as after
 * the deletion of a repository, it names nothing to look at.
 *
 * @param paths the paths of repository and tag in the payload, for the reason if they are invalid
 */
export function imageDeleted(
  { registry, repository, tag, digest }: DeletedParts,
  paths: { repository: string; tag: string },
): EventReading {
  if (!isRepository(repository))
    return ignore(`malformed: ${paths.repository} names no repository: ${excerpt(repository)}`);
  const image: Reference = { registry, repository };
  const written = tag || undefined;
  if (written !== undefined && isDigest(written)) image.digest = written;
  else if (written !== undefined && !isTag(written))
    return ignore(`malformed: ${paths.tag} is not a tag: ${excerpt(written)}`);
  else if (written !== undefined) image.tag = written;
  if (isDigest(digest)) image.digest = digest;
  if (image.tag === undefined && image.digest === undefined)
    return ignore(`no_tag: ${paths.tag} is missing or empty, and so is the digest`);
  return { deletion: { image } };
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
export function imageName(event: PushEvent | DeletionEvent): string {
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
