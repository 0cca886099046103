import { isMap, isScalar, isSeq, type Node } from 'yaml';
import type { Reference } from '../../oci/reference.ts';
import type { Edit } from '../edits.ts';
import { addImage, type Search } from '../yaml/add-image.ts';
import { Group } from '../yaml/group.ts';
import type { Slot } from '../yaml/slot.ts';

/**
 * Finds the references in the values of a Helm chart. Charts name their values as they like; these
 * are the customs: a text under the key `image`, and a map with `repository` beside `registry`,
 * `tag` or `digest`, which are joined as registry/repository:tag@digest.
 * https://helm.sh/docs/chart_best_practices/pods/#images
 */
export function findInHelmValues(search: Search, from: Node | undefined): void {
  const { view } = search;
  const waiting: { node: Node; key: string }[] = from === undefined ? [] : [{ node: from, key: '' }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const target = view.target(next.node);
    if (target === undefined || !view.once(target, 'values')) continue;
    if (isSeq(target)) waiting.push(...view.items(target).map((node) => ({ node, key: '' })));
    if (!isMap(target)) continue;
    const nameKey = repositoryKey(search, target, next.key);
    if (nameKey !== undefined) imageGroup(search, target, nameKey);
    for (const { key, value } of view.entries(target)) {
      waiting.push({ node: value, key });
      if (key === 'image' && nameKey !== 'image' && isScalar(view.target(value))) addImage(search, value);
    }
  }
}

const isImageKey = (key: string) => /^image$|Image$/.test(key);

/** Which key of a map names the repository, if the map is a group. */
function repositoryKey({ view }: Search, map: Node, key: string): string | undefined {
  const has = (name: string) => isScalar(view.target(view.get(map, name)));
  const isVersioned = has('tag') || has('digest');
  if (has('repository') && (isVersioned || has('registry') || isImageKey(key))) return 'repository';
  if (has('name') && isVersioned && isImageKey(key)) return 'name';
  return has('image') && isVersioned ? 'image' : undefined;
}

function imageGroup({ view, finding }: Search, map: Node, nameKey: string): void {
  const group = new Group(view, map);
  const [name, registry] = [group.slot(nameKey), group.slot('registry')];
  const [tag, digest] = [group.slot('tag'), group.slot('digest')];
  if (!name?.value) return;
  const host = registry?.value ? `${registry.value}/` : '';
  const version = `${tag?.value ? `:${tag.value}` : ''}${digest?.value ? `@${digest.value}` : ''}`;
  const image = host + name.value + version;
  const start = (registry?.value ? registry : name).start;
  const isWhole = /[:@]/.test(name.value.slice(name.value.lastIndexOf('/') + 1));
  if (!group.owns(nameKey, 'registry', 'tag', 'digest')) {
    finding.leave(image, start, 'unclear', 'parts of it stand elsewhere');
    return;
  }
  if (version === '' && !isWhole) {
    finding.leave(image, start, 'unclear', 'it has no tag here: the chart takes its own version');
    return;
  }
  const edits = (to: Reference): Edit[] => {
    const place = `${to.registry}/${to.repository}`;
    const names = registry?.value ? [registry.say(to.registry), name.say(to.repository)] : [name.say(place)];
    if (isWhole && version === '')
      return [...names.slice(0, -1), name.say(`${registry?.value ? to.repository : place}${suffix(to)}`)];
    return [...names, ...versionEdits(to, tag, digest)];
  };
  finding.add({ image, start, edits }, [
    start,
    ...[registry, name, tag, digest].flatMap((slot) => (slot?.value ? slot.start : [])),
  ]);
}

function suffix({ tag, digest }: Reference): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

/**
 * A chart that has a value for the digest gets it there. Others join repository, colon and tag, so
 * that a digest can only follow the tag.
 */
function versionEdits(to: Reference, tag: Slot | undefined, digest: Slot | undefined): Edit[] {
  if (to.digest === undefined) return tag && to.tag && tag.value !== to.tag ? [tag.say(to.tag)] : [];
  if (digest) return [digest.say(to.digest)];
  return tag ? [tag.say(`${tag.value.replace(/@.*$/s, '')}@${to.digest}`)] : [];
}
