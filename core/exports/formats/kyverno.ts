import type { ExportFormat } from '../export.ts';
import { loginByName } from '../logins.ts';
import { celText, commentOf } from '../quote.ts';
import { hostOf, mirrorRepositoryOf } from '../repositories.ts';
import { policyVariables } from './kyverno-variables.ts';

/** Stands for the API's address: a name that leads nowhere (RFC 6761, 6.4). */
const addressPlaceholder = 'https://drayage-api.invalid';

const about = commentOf(`
A policy for Kyverno that points Pods to the mirror, by digest, and what it looks images up in. For Kyverno 1.19 and newer.
Made by: drayage export kyverno

How to use it: drayage export kyverno fills in the API's address; in what the API itself answers, replace it below.
Replace READER_TOKEN by the reader's token, and kubectl apply -f FILE. Label a namespace or a Pod drayage.dev/rewrite=disabled to leave it alone.
https://kyverno.io/docs/policy-types/mutating-policy/ https://kyverno.io/docs/policy-types/global-context-caching/

What it does: Kyverno asks the API every minute for the digests (GET /v1/exports/kyverno-data), and each new Pod's images become
the mirror's: containers, init and ephemeral containers, image volumes. The annotation original-image.drayage.dev/CONTAINER
has what stood there. The policy accepts only images of the registries that it names, whatever the API answers.

What it can't do:
- While the API can't be reached, and until Kyverno has its first answer, Pods keep the upstream's images.
- Kyverno takes 10 MB, which is some 100,000 tags (--maxAPICallResponseLength raises it). Each replica polls for itself.
- The token stands in the GlobalContextEntry, so whoever may read those has it: use the reader's, which can't change anything.
  Keep the header even if the API asks for no token: without it, Kyverno would send its own ServiceAccount's.

${loginByName}`);

/** A MutatingPolicy, and a GlobalContextEntry that polls the export `kyverno-data`. */
export const kyverno: ExportFormat = {
  name: 'kyverno',
  contentType: 'application/yaml',
  addressPlaceholder,
  async *render(mappings) {
    const hosts = new Set<string>();
    for await (const mapping of mappings) hosts.add(hostOf(mirrorRepositoryOf(mapping)));
    yield about;
    if (hosts.size === 0)
      yield '# Nothing is mirrored yet, so the policy names no registry. Export it again.\n';
    yield contextEntry;
    yield policyOf([...hosts].sort());
  },
};

const contextEntry = `---
apiVersion: kyverno.io/v2
kind: GlobalContextEntry
metadata:
  name: drayage
spec:
  apiCall:
    method: GET
    refreshInterval: 1m
    service:
      url: ${addressPlaceholder}/v1/exports/kyverno-data
      headers:
      - {key: Authorization, value: Bearer READER_TOKEN}
`;

function policyOf(hosts: readonly string[]): string {
  const variables = [
    // What the API answers may only point here.
    ['mirrors', `[${hosts.map((host) => celText(`${host}/`)).join(', ')}]`],
    ...policyVariables,
  ] as const;
  return `---
apiVersion: policies.kyverno.io/v1
kind: MutatingPolicy
metadata:
  name: drayage
spec:
  failurePolicy: Ignore
  reinvocationPolicy: IfNeeded
  evaluation:
    admission: {enabled: true}
    background: {enabled: false}
  autogen:
    podControllers: {controllers: []}
  matchConstraints:
    namespaceSelector:
      matchExpressions:
      - {key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system, kyverno]}
      - {key: drayage.dev/rewrite, operator: NotIn, values: [disabled]}
    objectSelector:
      matchExpressions:
      - {key: drayage.dev/rewrite, operator: NotIn, values: [disabled]}
    resourceRules:
    - {apiGroups: [''], apiVersions: [v1], resources: [pods], operations: [CREATE]}
    - {apiGroups: [''], apiVersions: [v1], resources: [pods/ephemeralcontainers], operations: [UPDATE]}
  variables:
${variables.map(([name, expression]) => `  - name: ${name}\n    expression: >-\n      ${expression}\n`).join('')}  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >-
        Object{
          metadata: Object.metadata{annotations:
            (variables.containers + variables.inits).filter(c, c[1] in variables.pinned)
            .transformMapEntry(_, c, {'original-image.drayage.dev/' + c[0]: c[1]})},
          spec: Object.spec{
            containers: variables.containers.filter(c, c[1] in variables.pinned)
              .map(c, Object.spec.containers{name: c[0], image: variables.pinned[c[1]]}),
            initContainers: variables.inits.filter(c, c[1] in variables.pinned)
              .map(c, Object.spec.initContainers{name: c[0], image: variables.pinned[c[1]]}),
            ephemeralContainers: variables.ephemerals.filter(c, c[1] in variables.pinned)
              .map(c, Object.spec.ephemeralContainers{name: c[0], image: variables.pinned[c[1]]}),
            volumes: variables.volumes.filter(v, v[1] in variables.pinned)
              .map(v, Object.spec.volumes{name: v[0], image: Object.spec.volumes.image{reference: variables.pinned[v[1]]}})
          }
        }
`;
}
