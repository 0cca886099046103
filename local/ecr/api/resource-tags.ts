import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import type { Repository } from '../repository.ts';
import { ApiError, invalidParameter } from './errors.ts';
import { parseInput, repositoryNotFound } from './input.ts';

/** https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-using-tags.html */
const maxTags = 50;

export const tagList = z.array(z.object({ Key: z.string(), Value: z.string() }));

type Tag = z.output<typeof tagList>[number];

/** The ARN of a repository. */
export function arnOf({ region, accountId }: RegistryContext, name: string): string {
  return `arn:aws:ecr:${region}:${accountId}:repository/${name}`;
}

/**
 * Tags with others added; the same key gets the new value.
 * @throws ApiError InvalidTagParameterException, TooManyTagsException
 */
export function taggedWith(present: Record<string, string>, tags: Tag[]): Record<string, string> {
  const all = new Map(Object.entries(present));
  for (const { Key, Value } of tags) {
    if (/^aws:/i.test(Key) || Key === '' || Key.length > 128 || Value.length > 256)
      throw new ApiError('InvalidTagParameterException', `The tag '${Key.slice(0, 128)}' is not valid`);
    all.set(Key, Value);
  }
  if (all.size > maxTags)
    throw new ApiError('TooManyTagsException', `A repository can have at most ${maxTags} tags`);
  return Object.fromEntries(all);
}

/** The repository that an ARN names. */
function requireTagged(context: RegistryContext, resourceArn: string): Repository {
  const name = /^arn:aws:ecr:[a-z0-9-]+:\d{12}:repository\/(.+)$/.exec(resourceArn)?.[1];
  if (name === undefined || arnOf(context, name) !== resourceArn)
    throw invalidParameter('resourceArn', `must be the ARN of a repository in this registry`);
  const repository = context.catalog.repository(name);
  if (repository === undefined) throw repositoryNotFound(context.accountId, name);
  return repository;
}

/** ListTagsForResource. */
export async function listTagsForResource(context: RegistryContext, body: unknown): Promise<unknown> {
  const { resourceArn } = parseInput(z.object({ resourceArn: z.string() }), body);
  const { tags = {} } = requireTagged(context, resourceArn).extras;
  return { tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
}

/** TagResource: tags that it does not name stay. */
export async function tagResource(context: RegistryContext, body: unknown): Promise<unknown> {
  const { resourceArn, tags } = parseInput(z.object({ resourceArn: z.string(), tags: tagList }), body);
  await context.catalog.changeRepository(requireTagged(context, resourceArn), ({ settings, extras }) => ({
    settings,
    extras: { ...extras, tags: taggedWith(extras.tags ?? {}, tags) },
  }));
  return {};
}

/** UntagResource: keys that the repository does not have don't matter. */
export async function untagResource(context: RegistryContext, body: unknown): Promise<unknown> {
  const { resourceArn, tagKeys } = parseInput(
    z.object({ resourceArn: z.string(), tagKeys: z.array(z.string()) }),
    body,
  );
  await context.catalog.changeRepository(requireTagged(context, resourceArn), ({ settings, extras }) => {
    const left = Object.entries(extras.tags ?? {}).filter(([key]) => !tagKeys.includes(key));
    return { settings, extras: { ...extras, tags: Object.fromEntries(left) } };
  });
  return {};
}
