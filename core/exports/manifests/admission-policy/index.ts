import type { RepositoryImages } from '../../image-table.ts';
import { type Manifest, printManifests } from '../print-manifests.ts';
import { imageMirrorDefinition } from './image-mirror-crd.ts';
import { literalValues } from './literals.ts';
import { keepBinding, keepPolicy, type PolicyScope, rewriteBinding, rewritePolicy } from './policy.ts';
import { type SyncOptions, syncManifests } from './sync.ts';
import {
  fallbackVariables,
  imageVariables,
  pinnedVariables,
  syncedValues,
  type Variable,
} from './variables.ts';

/** Where a policy finds what is mirrored. */
export type PolicySource =
  /**
   * Objects that a CronJob keeps up to date.
   *
   * mirror: the only place that they may send a pod to, `<registry>/<prefix>`
   */
  | { kind: 'synced'; mirror: string; sync: SyncOptions }
  /** The policy itself. */
  | { kind: 'literals'; table: readonly RepositoryImages[] };

/** What is printed. */
export interface AdmissionPolicyOptions {
  scope: PolicyScope;
  source: PolicySource;
  /** What takes the place of registries' names in images that are not mapped. */
  fallback: ReadonlyMap<string, string>;
  /** Also keep bare pods from going back to the upstream's image. */
  keep: boolean;
}

/** The manifests that make a cluster use the mirror without any server in it. */
export function admissionPolicy(options: AdmissionPolicyOptions): string {
  return printManifests(head(options), admissionPolicyManifests(options));
}

/** The same as objects. */
export function admissionPolicyManifests({
  scope,
  source,
  fallback,
  keep,
}: AdmissionPolicyOptions): Manifest[] {
  const isSynced = source.kind === 'synced';
  const variables: Variable[] = [
    ...imageVariables,
    ...(source.kind === 'synced' ? syncedValues(source.mirror) : literalValues(source.table)),
    ...pinnedVariables,
    ...(fallback.size === 0 ? [] : fallbackVariables(fallback, isSynced)),
  ];
  const final = fallback.size === 0 ? 'pinned' : 'final';
  return [
    ...(isSynced ? [{ object: imageMirrorDefinition }] : []),
    { object: rewritePolicy(scope, variables, { isSynced, final }) },
    { object: rewriteBinding({ isSynced }) },
    ...(keep ? [{ object: keepPolicy(scope) }, { object: keepBinding() }] : []),
    ...(source.kind === 'synced' ? syncManifests(source.sync) : []),
  ];
}

function head({ source }: AdmissionPolicyOptions): string {
  const common = `Pods use the images that Drayage has mirrored, from Kubernetes 1.36 on, without a server in the cluster.
Apply it with kubectl apply --server-side -f FILE. docs/admission-policy.md explains it.`;
  return source.kind === 'synced'
    ? `${common}
It can't rewrite in the half minute after an apiserver's start in which the mapping may not be loaded yet: pods then
start with the upstream's images.`
    : `${common}
The mapping is in the policy: print and apply it again to change it. It can't hold much more than 10,000 images.`;
}
