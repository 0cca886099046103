import type { Node } from 'yaml';
import { addImage, type Search } from '../yaml/add-image.ts';

/**
 * Finds the references of services and of image volumes. A service with `build` names by `image`
 * what is built, and builds under a digest or in the mirror make no sense.
 * https://github.com/compose-spec/compose-spec/blob/main/05-services.md
 */
export function findInCompose(search: Search, root: Node | undefined): void {
  const { view, finding } = search;
  for (const { value: service } of view.entries(view.get(root, 'services'))) {
    const image = view.get(service, 'image');
    if (view.get(service, 'build') === undefined) addImage(search, image);
    else if (image && view.text(image))
      finding.leave(view.text(image) ?? '', view.start(image), 'unclear', 'it names what is built here');
    for (const volume of view.items(view.get(service, 'volumes')))
      if (view.text(view.get(volume, 'type')) === 'image') addImage(search, view.get(volume, 'source'));
  }
}
