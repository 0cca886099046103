import { type Digest, digestOf } from '../../../../core/oci/digest.ts';
import type { RegistryClient } from '../../../../core/registry/client.ts';
import type { ListedTag } from '../../../../core/registry/operations/lists/tags.ts';

/** A digest for each text. */
export const digest = (text: string): Digest => digestOf(Buffer.from(text));

/** All tags that a client lists. */
export async function tagsOf(client: RegistryClient, repository: string): Promise<ListedTag[]> {
  const all: ListedTag[] = [];
  for await (const each of client.listTagsWithDigests(repository)) all.push(each);
  return all;
}
