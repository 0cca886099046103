import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import { type Aged, imagesOf } from './age.ts';
import { neededImages, retainedRepositories } from './needed.ts';
import type { Puller } from './pull.ts';
import type { World } from './world.ts';

/** What retention has deleted, and what is wrong with that. */
export interface RetentionVerdict {
  /** How many images are gone. */
  images: number;
  violations: string[];
}

/** Checks that nothing is gone that somebody needs, and that something is. */
export async function checkRetention(world: World, aged: Aged, puller: Puller): Promise<RetentionVerdict> {
  const now = await imagesOf(world);
  const retained = retainedRepositories(world);
  const has = (repository: string, digest: string) => now.get(repository)?.has(digest) === true;
  const gone = [...aged.images].flatMap(([repository, digests]) =>
    [...digests].flatMap((digest) => (has(repository, digest) ? [] : [{ repository, digest }])),
  );
  const violations = gone
    .filter(({ repository }) => !retained.has(repository))
    .map(({ repository, digest }) => `${repository}@${digest} is gone, and no rule lets it go`);
  violations.push(...deletedAlthoughNeeded(world, aged));
  for (const { mirrorRepository, digest, why } of [...aged.needed, ...(await neededImages(world))])
    for (const problem of await puller.pull(mirrorRepository, digest, digest))
      violations.push(`${mirrorRepository}@${digest} can't be pulled, and ${why}: ${problem}`);
  for (const { repository, digest } of aged.byHand) {
    const held = world.mirror.tag(repository, 'by-hand');
    if (held !== digest) violations.push(`${repository}:by-hand was ${digest}, and is ${held}`);
  }
  for (const { repository, subject, digest } of aged.referrers) {
    if (!has(repository, subject)) continue;
    for (const problem of await puller.pull(repository, digest, digest))
      violations.push(`${repository}@${digest} belongs to ${subject}, and can't be pulled: ${problem}`);
  }
  violations.push(...(await marksLeft(world)));
  if (gone.length === 0) violations.push('retention has deleted nothing');
  return { images: gone.length, violations };
}

/** What was deleted and then mirrored again counts, too. */
function deletedAlthoughNeeded(
  { deletions }: World,
  { needed, byHand, referrers, deletionsBefore }: Aged,
): string[] {
  const names = (repository: string, digest: string) => `${repository}@${digest}`;
  const reasons = new Map(
    needed.map(({ mirrorRepository, digest, why }) => [names(mirrorRepository, digest), why]),
  );
  for (const { repository, subject, digest } of referrers)
    if (reasons.has(names(repository, subject)))
      reasons.set(names(repository, digest), `it belongs to ${subject}, which is needed`);
  for (const { repository, digest } of byHand)
    reasons.set(names(repository, digest), 'an operator has given it a tag');
  return [
    ...new Set(deletions.slice(deletionsBefore).map(({ repository, digest }) => names(repository, digest))),
  ].flatMap((name) => {
    const why = reasons.get(name);
    return why === undefined ? [] : [`${name} was deleted, although ${why}`];
  });
}

/** No mark that is in force is left by a run that has ended. */
async function marksLeft({ table: { client, name }, now }: World): Promise<string[]> {
  const violations: string[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const page = await client.send(
      new ScanCommand({
        TableName: name,
        FilterExpression: 'retiringUntil > :now',
        ExpressionAttributeValues: { ':now': now().getTime() },
        ConsistentRead: true,
        ExclusiveStartKey,
      }),
    );
    for (const { pk, sk } of page.Items ?? []) violations.push(`${pk} ${sk} is still marked`);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return violations;
}
