import { originalImagePrefix } from '../../../mapping/original-image.ts';
import type { Variable } from './variables.ts';

/** Which pods a policy sees. */
export interface PolicyScope {
  /** Namespaces that are left alone, besides kube-system. */
  excludedNamespaces: readonly string[];
  /** Only these namespaces; all if there are none. */
  namespaces: readonly string[];
  /** Only namespaces with the label `drayage.dev/rewrite: enabled`. */
  optIn: boolean;
}

/** The label that decides about a namespace or a pod. */
export const rewriteLabel = 'drayage.dev/rewrite';

const nameLabel = 'kubernetes.io/metadata.name';

/** What every MutatingAdmissionPolicy begins with. */
const policyKind = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingAdmissionPolicy',
} as const;

/**
 * The policy that rewrites pods as they are created, and ephemeral containers as they are added.
 *
 * It ignores its own failures: for half a minute after an apiserver's start its parameters may be
 * missing. Without `matchConditions`, which would convert the parameters a second time.
 * https://github.com/kubernetes/kubernetes/issues/124237
 */
export function rewritePolicy(
  scope: PolicyScope,
  variables: readonly Variable[],
  options: { isSynced: boolean; final: string },
): object {
  return {
    ...policyKind,
    metadata: { name: 'drayage' },
    spec: {
      failurePolicy: 'Ignore',
      // A container that a webhook adds is seen only in the second round.
      reinvocationPolicy: 'IfNeeded',
      ...(options.isSynced && { paramKind: { apiVersion: 'drayage.dev/v1', kind: 'ImageMirror' } }),
      matchConstraints: {
        ...selectors(scope),
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] },
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            resources: ['pods/ephemeralcontainers'],
            operations: ['UPDATE'],
          },
        ],
      },
      variables: [...variables],
      mutations: [applied(rewriteExpression(`variables.${options.final}`))],
    },
  };
}

/** Says that the policy `drayage` is in force. */
export function rewriteBinding({ isSynced }: { isSynced: boolean }): object {
  const paramRef = { selector: {}, parameterNotFoundAction: 'Allow' };
  return binding('drayage', isSynced ? { paramRef } : {});
}

/**
 * Keeps bare pods: their manifest names the upstream's image, and applying it again must not put
 * that back.
 */
export function keepPolicy(scope: PolicyScope): object {
  return {
    ...policyKind,
    metadata: { name: 'drayage-keep' },
    spec: {
      failurePolicy: 'Ignore',
      reinvocationPolicy: 'Never',
      matchConstraints: {
        ...selectors(scope),
        resourceRules: [
          { apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['UPDATE'] },
        ],
      },
      matchConditions: [
        {
          name: 'rewritten',
          expression: `oldObject.metadata.?annotations.orValue({}).exists(k, k.startsWith('${originalImagePrefix}'))`,
        },
      ],
      variables: [
        {
          name: 'undone',
          expression: `(object.spec.containers + object.spec.?initContainers.orValue([]))
.filter(c, oldObject.metadata.annotations[?'${originalImagePrefix}' + c.name].orValue('') == c.image)
.map(c, c.name)`,
        },
      ],
      mutations: [applied(keepExpression)],
    },
  };
}

/** Says that the policy `drayage-keep` is in force. */
export function keepBinding(): object {
  return binding('drayage-keep', {});
}

function binding(policyName: string, more: object): object {
  return {
    apiVersion: policyKind.apiVersion,
    kind: `${policyKind.kind}Binding`,
    metadata: { name: policyName },
    spec: { policyName, ...more },
  };
}

/** Which namespaces and pods a scope selects, for policies and webhooks alike. */
export function selectors({ excludedNamespaces, namespaces, optIn }: PolicyScope): {
  namespaceSelector: object;
  objectSelector: object;
} {
  const notDisabled = { key: rewriteLabel, operator: 'NotIn', values: ['disabled'] };
  return {
    namespaceSelector: {
      matchExpressions: [
        { key: nameLabel, operator: 'NotIn', values: ['kube-system', ...excludedNamespaces] },
        ...(namespaces.length > 0 ? [{ key: nameLabel, operator: 'In', values: [...namespaces] }] : []),
        optIn ? { key: rewriteLabel, operator: 'In', values: ['enabled'] } : notDisabled,
      ],
    },
    objectSelector: { matchExpressions: [notDisabled] },
  };
}

function applied(expression: string): object {
  return { patchType: 'ApplyConfiguration', applyConfiguration: { expression } };
}

function rewriteExpression(final: string): string {
  const containers = (list: string, from: string) =>
    `${list}: ${from}.filter(c, c[1] in ${final})
      .map(c, Object.spec.${list}{name: c[0], image: ${final}[c[1]]})`;
  return `Object{
  metadata: Object.metadata{annotations:
    (variables.containers + variables.inits).filter(c, c[1] in ${final})
      .transformMapEntry(_, c, {'${originalImagePrefix}' + c[0]: c[1]})},
  spec: Object.spec{
    ${containers('containers', 'variables.containers')},
    ${containers('initContainers', 'variables.inits')},
    ${containers('ephemeralContainers', 'variables.ephemerals')},
    volumes: variables.volumes.filter(v, v[1] in ${final})
      .map(v, Object.spec.volumes{name: v[0],
        image: Object.spec.volumes.image{reference: ${final}[v[1]]}})
  }
}`;
}

const keepExpression = `Object{spec: Object.spec{
  containers: oldObject.spec.containers.filter(c, c.name in variables.undone)
    .map(c, Object.spec.containers{name: c.name, image: c.image}),
  initContainers: oldObject.spec.?initContainers.orValue([]).filter(c, c.name in variables.undone)
    .map(c, Object.spec.initContainers{name: c.name, image: c.image})
}}`;
