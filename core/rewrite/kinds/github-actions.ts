import { isScalar, type Node } from 'yaml';
import { addImage, type Search } from '../yaml/add-image.ts';

/** What stands before a reference in `uses:` and `runs.image`. */
const prefix = 'docker://';

/**
 * Finds the references of a workflow: the jobs’ containers and services, and the steps that are
 * containers; and the one of an action that is a container.
 * https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax
 */
export function findInGithubActions(search: Search, root: Node | undefined): void {
  const { view } = search;
  for (const { value: job } of view.entries(view.get(root, 'jobs'))) {
    containerOf(search, view.get(job, 'container'));
    for (const { value: service } of view.entries(view.get(job, 'services'))) containerOf(search, service);
    steps(search, view.get(job, 'steps'));
  }
  const runs = view.get(root, 'runs');
  addImage(search, view.get(runs, 'image'), { prefix });
  steps(search, view.get(runs, 'steps'));
}

function containerOf(search: Search, node: Node | undefined): void {
  const image = isScalar(search.view.target(node)) ? node : search.view.get(node, 'image');
  addImage(search, image);
}

function steps(search: Search, list: Node | undefined): void {
  for (const step of search.view.items(list)) addImage(search, search.view.get(step, 'uses'), { prefix });
}
