import { isMap, isSeq, type Node } from 'yaml';
import { InvalidReferenceError, parseReference } from '../../oci/reference.ts';
import type { Edit } from '../edits.ts';
import { addImage, type Search } from '../yaml/add-image.ts';
import { follow, type Path, parsePath } from '../yaml/path.ts';
import { slotOf } from '../yaml/slot.ts';
import { findInHelmValues } from './helm-values.ts';
import { findInImageList, findInKustomization } from './kustomization.ts';

/** Where references stand in objects of one kind, besides those that are known. */
export interface ImagePath {
  /** `Prometheus`, or with its API group: `Prometheus.monitoring.coreos.com`. */
  kind: string;
  path: Path;
}

/** What stands at a path. */
type Part = (search: Search, node: Node) => void;

interface Rule {
  kinds: readonly string[];
  /** Absent: any group. */
  group?: string;
  path: Path;
  part: Part;
}

const rule = (kinds: string, group: string | undefined, path: string, part: Part): Rule => ({
  kinds: kinds.split(' '),
  ...(group !== undefined && { group }),
  path: path === '' ? [] : parsePath(path),
  part,
});

/**
 * The kinds whose references stand at known places. Others are searched for lists of containers.
 */
const rules: readonly Rule[] = [
  rule('Pod', '', 'spec', podSpec),
  rule('PodTemplate', '', 'template.spec', podSpec),
  rule('ReplicationController', '', 'spec.template.spec', podSpec),
  rule('Deployment ReplicaSet StatefulSet DaemonSet', 'apps', 'spec.template.spec', podSpec),
  rule('Job', 'batch', 'spec.template.spec', podSpec),
  rule('CronJob', 'batch', 'spec.jobTemplate.spec.template.spec', podSpec),
  // https://argo-rollouts.readthedocs.io/en/stable/features/specification/
  rule('Rollout', 'argoproj.io', 'spec.template.spec', podSpec),
  // https://argo-workflows.readthedocs.io/en/latest/fields/
  rule('Workflow WorkflowTemplate ClusterWorkflowTemplate', 'argoproj.io', 'spec', argoWorkflow),
  rule('CronWorkflow', 'argoproj.io', 'spec.workflowSpec', argoWorkflow),
  // https://knative.dev/docs/serving/reference/serving-api/
  rule('Service Configuration', 'serving.knative.dev', 'spec.template.spec', podSpec),
  rule('Revision', 'serving.knative.dev', 'spec', podSpec),
  // https://tekton.dev/docs/pipelines/pipeline-api/
  rule('Task ClusterTask', 'tekton.dev', 'spec', tektonTask),
  rule('TaskRun', 'tekton.dev', 'spec.taskSpec', tektonTask),
  rule('Pipeline', 'tekton.dev', 'spec', tektonPipeline),
  rule('PipelineRun', 'tekton.dev', 'spec.pipelineSpec', tektonPipeline),
  rule('StepAction', 'tekton.dev', 'spec', container),
  // https://fluxcd.io/flux/components/kustomize/kustomizations/#images
  rule('Kustomization', 'kustomize.toolkit.fluxcd.io', 'spec.images', findInImageList),
  rule('HelmRelease', 'helm.toolkit.fluxcd.io', 'spec.values', findInHelmValues),
  rule('Kustomization Component', 'kustomize.config.k8s.io', '', findInKustomization),
];

/** Finds the references in a Kubernetes object, and in those that it lists. */
export function findInKubernetes(search: Search, node: Node | undefined, more: readonly ImagePath[]): void {
  if (node !== undefined) object(search, node, undefined, more);
}

function object(search: Search, node: Node, listed: string | undefined, more: readonly ImagePath[]): void {
  const { view } = search;
  if (!view.once(node, 'object')) return;
  const kind = view.text(view.get(node, 'kind')) ?? listed;
  const apiVersion = view.text(view.get(node, 'apiVersion'));
  const group = groupOf(apiVersion);
  const metadata = view.get(node, 'metadata');
  const [name, namespace] = ['name', 'namespace'].map((key) => view.text(view.get(metadata, key)));
  search.finding.enter({
    ...(apiVersion !== undefined && { apiVersion }),
    ...(kind !== undefined && { kind }),
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
  });
  const own = more.filter((each) => each.kind === kind || each.kind === `${kind}.${group}`);
  for (const { path } of own) for (const image of follow(view, node, path)) addImage(search, image);
  // List, PodList and the like, and the ResourceList of functions.
  if (kind?.endsWith('List') && view.get(node, 'items') !== undefined) {
    const item = kind.slice(0, -'List'.length) || undefined;
    for (const each of view.items(view.get(node, 'items'))) object(search, each, item, more);
    return;
  }
  const known = rules.filter(
    (each) =>
      kind !== undefined && each.kinds.includes(kind) && (group === undefined || each.group === group),
  );
  for (const { path, part } of known) for (const found of follow(view, node, path)) part(search, found);
  // https://tekton.dev/docs/triggers/triggertemplates/
  if (kind === 'TriggerTemplate')
    for (const each of follow(view, node, parsePath('spec.resourcetemplates[]')))
      object(search, each, undefined, more);
  else if (known.length === 0) containersAnywhere(search, node);
}

/** The group of an API version: `apps` of `apps/v1`, the empty one of `v1`. */
function groupOf(apiVersion: string | undefined): string | undefined {
  if (apiVersion === undefined) return undefined;
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}

const containerLists = ['containers', 'initContainers', 'ephemeralContainers'];

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
function podSpec(search: Search, node: Node): void {
  const { view } = search;
  if (!view.once(node, 'pod')) return;
  for (const list of containerLists) containers(search, view.get(node, list));
  for (const volume of view.items(view.get(node, 'volumes'))) {
    const source = view.get(volume, 'image');
    if (source && view.once(source, 'volume')) withPolicy(search, source, 'reference', 'pullPolicy');
  }
}

function containers(search: Search, list: Node | undefined): void {
  for (const each of search.view.items(list)) container(search, each);
}

function container(search: Search, node: Node): void {
  if (search.view.once(node, 'container')) withPolicy(search, node, 'image', 'imagePullPolicy');
}

function withPolicy(search: Search, node: Node, key: string, policyKey: string): void {
  const { view } = search;
  const image = view.get(node, key);
  addImage(search, image, { pullPolicy: relaxed(search, image, view.get(node, policyKey)) });
}

/**
 * The edit that turns `Always` into `IfNotPresent`, if it is what Kubernetes has filled in: it does
 * so for the tag `latest`, and without tag and digest. With any other reference, somebody wrote it.
 * https://kubernetes.io/docs/concepts/containers/images/#imagepullpolicy-defaulting
 */
function relaxed({ view }: Search, image: Node | undefined, policy: Node | undefined): Edit | undefined {
  if (policy === undefined || view.target(policy) !== policy) return undefined;
  const slot = slotOf(view, policy);
  if (typeof slot === 'string' || slot.value !== 'Always') return undefined;
  try {
    const { tag, digest } = parseReference(view.text(image) ?? '');
    return tag === 'latest' && digest === undefined ? slot.say('IfNotPresent') : undefined;
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    return undefined;
  }
}

function tektonTask(search: Search, node: Node): void {
  const { view } = search;
  if (!view.once(node, 'task')) return;
  containers(search, view.get(node, 'steps'));
  containers(search, view.get(node, 'sidecars'));
  const template = view.get(node, 'stepTemplate');
  if (template) container(search, template);
}

function tektonPipeline(search: Search, node: Node): void {
  const { view } = search;
  if (!view.once(node, 'pipeline')) return;
  for (const list of ['tasks', 'finally'])
    for (const task of view.items(view.get(node, list))) {
      const [taskSpec, pipelineSpec] = [view.get(task, 'taskSpec'), view.get(task, 'pipelineSpec')];
      if (taskSpec) tektonTask(search, taskSpec);
      if (pipelineSpec) tektonPipeline(search, pipelineSpec);
    }
}

function argoWorkflow(search: Search, node: Node): void {
  const { view } = search;
  if (!view.once(node, 'workflow')) return;
  const templates = [...view.items(view.get(node, 'templates')), view.get(node, 'templateDefaults')];
  for (const template of templates) {
    for (const key of ['container', 'script']) {
      const only = view.get(template, key);
      if (only) container(search, only);
    }
    for (const key of ['initContainers', 'sidecars']) containers(search, view.get(template, key));
    containers(search, view.get(view.get(template, 'containerSet'), 'containers'));
  }
}

/**
 * Every map with a list of containers, at any depth: what kustomize’s `images:` touches, too.
 * https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/
 */
function containersAnywhere(search: Search, from: Node): void {
  const { view } = search;
  const waiting: Node[] = [from];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    const target = view.target(node);
    if (target === undefined || !view.once(target, 'anywhere')) continue;
    if (isMap(target)) {
      if (containerLists.some((key) => isSeq(view.target(view.get(target, key))))) podSpec(search, target);
      waiting.push(...view.entries(target).map(({ value }) => value));
    } else if (isSeq(target)) waiting.push(...view.items(target));
  }
}
