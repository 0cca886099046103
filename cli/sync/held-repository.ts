import { RegistryRepository } from '../../core/copy/registry-repository.ts';

/**
 * A repository that is read for what it holds: whoever holds a manifest holds its blobs, so that
 * nobody asks for each.
 */
export class HeldRepository extends RegistryRepository {
  override get tellsPresence(): boolean {
    return true;
  }
}
