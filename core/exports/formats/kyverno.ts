import type { ExportFormat } from '../export.ts';
import { loginByName } from '../logins.ts';
import { rewritePolicy } from '../manifests/admission-policy/policy.ts';
import { imageVariables, pinnedVariables } from '../manifests/admission-policy/variables.ts';
import { celString } from '../manifests/cel.ts';
import { printManifests } from '../manifests/print-manifests.ts';
import { hostOf, mirrorRepositoryOf } from '../repositories.ts';

/** Stands for the API's address: a name that leads nowhere (RFC 6761, 6.4). */
const addressPlaceholder = 'https://drayage-api.invalid';

const about = `
A policy for Kyverno that points Pods to the mirror, by digest, and what it looks images up in. For Kyverno 1.19 and newer.
Made by: drayage export kyverno

How to use it: drayage export kyverno fills in the API's address; in what the API itself returns, replace it below.
Replace READER_TOKEN with the reader's token, and kubectl apply -f FILE. To leave a namespace or a Pod alone, label it
drayage.dev/rewrite=disabled.
https://kyverno.io/docs/policy-types/mutating-policy/ https://kyverno.io/docs/policy-types/global-context-caching/

What it does: Kyverno asks the API every minute for the digests (GET /v1/exports/kyverno-data), and each new Pod's images become
the mirror's: containers, init and ephemeral containers, image volumes. The annotation original-image.drayage.dev/CONTAINER
keeps the original reference. The policy accepts only images in the registries that it names, whatever the API returns.

What it can't do:
- While the API can't be reached, and until Kyverno has its first answer, Pods keep the upstream's images.
- Kyverno accepts 10 MB, about 100,000 tags (--maxAPICallResponseLength raises it). Each replica polls for itself.
- The token is in the GlobalContextEntry, so anyone who can read that has it: use the reader's, which can't change anything.
  Keep the header even if the API asks for no token: without it, Kyverno would send its own ServiceAccount's.

${loginByName}`;

/** A MutatingPolicy, and a GlobalContextEntry that polls the export `kyverno-data`. */
export const kyverno: ExportFormat = {
  name: 'kyverno',
  contentType: 'application/yaml',
  addressPlaceholder,
  async *render(mappings) {
    const hosts = new Set<string>();
    for await (const mapping of mappings) hosts.add(hostOf(mirrorRepositoryOf(mapping)));
    const nothing = 'Nothing is mirrored yet, so the policy names no registry. Export it again.';
    yield printManifests(hosts.size > 0 ? about : `${about}\n\n${nothing}`, [
      { object: contextEntry },
      { object: policyFor([...hosts].sort()) },
    ]);
  },
};

const contextEntry = {
  apiVersion: 'kyverno.io/v2',
  kind: 'GlobalContextEntry',
  metadata: { name: 'drayage' },
  spec: {
    apiCall: {
      method: 'GET',
      refreshInterval: '1m',
      service: {
        url: `${addressPlaceholder}/v1/exports/kyverno-data`,
        headers: [{ key: 'Authorization', value: 'Bearer READER_TOKEN' }],
      },
    },
  },
};

/** The apiserver's own policy, with Kyverno's table in place of the object that is synced. */
function policyFor(hosts: readonly string[]): object {
  const scope = { excludedNamespaces: ['kyverno'], namespaces: [], optIn: false };
  const policy = rewritePolicy(scope, [...imageVariables, ...valuesFrom(hosts), ...pinnedVariables], {
    isSynced: false,
    final: 'pinned',
  }) as { metadata: object; spec: object };
  return {
    apiVersion: 'policies.kyverno.io/v1',
    kind: 'MutatingPolicy',
    metadata: policy.metadata,
    spec: {
      evaluation: { admission: { enabled: true }, background: { enabled: false } },
      autogen: { podControllers: { controllers: [] } },
      ...policy.spec,
    },
  };
}

/** The variable `values`: image → the value of its repository, if that is in one of the mirrors. */
function valuesFrom(hosts: readonly string[]): { name: string; expression: string }[] {
  return [
    { name: 'mirrors', expression: `[${hosts.map((host) => celString(`${host}/`)).join(', ')}]` },
    { name: 'table', expression: "globalContext.Get('drayage', '').repositories" },
    {
      name: 'values',
      expression: `variables.refs
.transformMap(r, n, n[0] in variables.table, string(variables.table[n[0]]))
.transformMap(r, v, variables.mirrors.exists(m, v.startsWith(m)), v)`,
    },
  ];
}
