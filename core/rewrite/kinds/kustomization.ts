import type { Node } from 'yaml';
import type { Reference } from '../../oci/reference.ts';
import type { Edit } from '../edits.ts';
import { hasVariable } from '../found.ts';
import type { Search } from '../yaml/add-image.ts';
import { Group } from '../yaml/group.ts';

/**
 * Finds the references of a kustomization’s `images:`.
 * https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/
 */
export function findInKustomization(search: Search, node: Node | undefined): void {
  const images = search.view.get(node, 'images');
  if (images) findInImageList(search, images);
}

/** The same for a list elsewhere: Flux has it in its Kustomization. */
export function findInImageList(search: Search, list: Node): void {
  for (const entry of search.view.items(list))
    if (search.view.once(entry, 'kustomize image')) imageEntry(search, entry);
}

/** `{name, newName, newTag, digest}`: what `name` finds becomes the others together. */
function imageEntry({ view, finding }: Search, node: Node): void {
  const group = new Group(view, node);
  const [name, newName] = [group.slot('name'), group.slot('newName')];
  const [newTag, digest, suffix] = [group.slot('newTag'), group.slot('digest'), group.slot('tagSuffix')];
  const repository = newName?.value || name?.value;
  if (repository === undefined || name === undefined) return;
  const start = (newName ?? name).start;
  const tag = newTag?.value ? `:${newTag.value}` : '';
  const image = `${repository}${tag}${digest?.value ? `@${digest.value}` : ''}`;
  if (!group.owns('name', 'newName', 'newTag', 'digest') || suffix) {
    finding.leave(image, start, 'unclear', 'parts of it stand elsewhere');
    return;
  }
  if (image === repository) {
    finding.leave(image, start, 'unclear', 'the entry has neither newTag nor digest');
    return;
  }
  // `name` is a regular expression, which `newName` is not.
  if (newName === undefined && !hasVariable(repository) && /[^\w./:-]/.test(repository)) {
    finding.leave(image, start, 'unclear', 'its name is a pattern');
    return;
  }
  const edits = (to: Reference): Edit[] => {
    const place = `${to.registry}/${to.repository}`;
    return [
      ...(newName ? [newName.say(place)] : group.insertAfter('name', 'newName', place)),
      ...version(to),
    ];
  };
  const version = (to: Reference): Edit[] => {
    if (to.digest === undefined) return newTag && to.tag ? [newTag.say(to.tag)] : [];
    if (digest) return [digest.say(to.digest)];
    return newTag ? [...group.rename('newTag', 'digest'), newTag.say(to.digest)] : [];
  };
  const places = [newName, newTag, digest].flatMap((slot) => slot?.start ?? []);
  finding.add({ image, start, edits }, [start, ...places]);
}
