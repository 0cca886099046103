import * as z from 'zod';
import type { RegistryContext } from '../registry-context.ts';
import type { Repository } from '../repository.ts';
import { ecrNamePattern, isEcrRepositoryName } from '../repository-names.ts';
import { ApiError, invalidParameter } from './errors.ts';

/** Every operation names the registry; the default is the caller's. */
export const registryInput = { registryId: z.string().optional() };

/** Operations on one repository. */
export const repositoryInput = { ...registryInput, repositoryName: z.string() };

/** A tag, a digest or both. */
export const imageIdentifier = z.object({
  imageDigest: z.string().optional(),
  imageTag: z.string().optional(),
});

/** The paging parameters of a list. */
export const pageInput = {
  nextToken: z.string().optional(),
  maxResults: z.number().int().min(1).max(1000).optional(),
};

/** @throws ApiError InvalidParameterException that names the first member that does not fit */
export function parseInput<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalidParameter(issue?.path.join('.') || 'body', issue?.message ?? 'it must fit the model');
}

/** @throws ApiError InvalidParameterException if a name breaks the rules */
export function checkRepositoryName(name: string): void {
  if (name.length < 2)
    throw invalidParameter('repositoryName', 'Member must have length greater than or equal to 2');
  if (name.length > 256)
    throw invalidParameter('repositoryName', 'Member must have length less than or equal to 256');
  if (!isEcrRepositoryName(name)) {
    throw invalidParameter('repositoryName', `must satisfy regular expression '${ecrNamePattern}'`);
  }
}

/**
 * The repository that an operation is about.
 * @throws ApiError InvalidParameterException, RepositoryNotFoundException
 */
export function requireRepository(
  context: RegistryContext,
  { registryId, repositoryName }: { registryId?: string | undefined; repositoryName: string },
): Repository {
  checkRepositoryName(repositoryName);
  const ours = registryId === undefined || registryId === context.accountId;
  const repository = ours ? context.catalog.repository(repositoryName) : undefined;
  if (repository === undefined) throw repositoryNotFound(registryId ?? context.accountId, repositoryName);
  return repository;
}

/** The exception for a repository that does not exist. */
export function repositoryNotFound(registryId: string, name: string): ApiError {
  return new ApiError(
    'RepositoryNotFoundException',
    `The repository with name '${name}' does not exist in the registry with id '${registryId}'`,
  );
}

/**
 * A page of a list. A token contains the last key of the previous page, so that insertions and
 * deletions shift nothing.
 * @throws ApiError InvalidParameterException for an invalid token
 */
export function pageOf<Item>(
  items: Item[],
  keyOf: (item: Item) => string,
  { nextToken, maxResults = 100 }: { nextToken?: string | undefined; maxResults?: number | undefined },
): { page: Item[]; nextToken?: string } {
  const sorted = items
    .map((item) => ({ item, key: keyOf(item) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  const after = nextToken === undefined ? undefined : decodeToken(nextToken);
  const rest = after === undefined ? sorted : sorted.filter(({ key }) => key > after);
  const page = rest.slice(0, maxResults);
  const last = page.at(-1);
  const more = last !== undefined && rest.length > page.length;
  return {
    page: page.map(({ item }) => item),
    ...(more ? { nextToken: Buffer.from(JSON.stringify({ after: last.key })).toString('base64url') } : {}),
  };
}

function decodeToken(token: string): string {
  try {
    const { after } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { after: unknown };
    if (typeof after === 'string') return after;
  } catch {
    // Falls through to the error for every other invalid token.
  }
  throw invalidParameter('nextToken', 'must be a token that this operation returned');
}
