import type { MirrorChoice } from '../rewrite/point-to-mirror.ts';

/**
 * What happens to images that are not mirrored: they stay (`keep`), whoever makes the Pod is told
 * (`warn`), the Pod is refused (`deny`), or they stay and are mirrored (`enqueue`).
 */
export const missingChoices = ['keep', 'warn', 'deny', 'enqueue'] as const;

/** One of {@link missingChoices}. */
export type MissingChoice = (typeof missingChoices)[number];

/** How Pods are answered. */
export interface AdmissionChoice extends Pick<MirrorChoice, 'tags'> {
  missing: MissingChoice;
}

/**
 * A choice as a segment of a path, since a webhook's address has no query: `warn`, `deny-tags`.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#url
 */
export function choiceSegment({ missing, tags = false }: AdmissionChoice): string {
  return tags ? `${missing}-tags` : missing;
}

/** All segments that name a choice. */
export const choiceSegments: readonly string[] = missingChoices.flatMap((missing) =>
  [false, true].map((tags) => choiceSegment({ missing, tags })),
);

/** The choice that a segment names; undefined if it names none. */
export function parseChoice(segment: string): AdmissionChoice | undefined {
  const tags = segment.endsWith('-tags');
  const name = tags ? segment.slice(0, -'-tags'.length) : segment;
  const missing = missingChoices.find((choice) => choice === name);
  return missing && { missing, tags };
}
