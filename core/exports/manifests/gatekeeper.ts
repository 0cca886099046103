import { type PolicyScope, selectors } from './admission-policy/policy.ts';
import { serverHost } from './admission-webhook/names.ts';
import { printManifests } from './print-manifests.ts';

/** What {@link gatekeeperManifests} makes manifests for. */
export interface GatekeeperOptions {
  scope: PolicyScope;
  timeoutSeconds: number;
  /** The PEM of the authority that signed the server's certificate. */
  caBundle: string;
}

const provider = 'drayage';

/** Where images stand in a Pod; only what is there may be assigned. */
const places = [
  { name: 'containers', location: 'spec.containers[name:*].image' },
  { name: 'init-containers', location: 'spec.initContainers[name:*].image' },
  { name: 'ephemeral-containers', location: 'spec.ephemeralContainers[name:*].image' },
  { name: 'volumes', location: 'spec.volumes[name:*].image.reference' },
];

/**
 * Manifests by which Gatekeeper asks the server in the cluster.
 * https://open-policy-agent.github.io/gatekeeper/website/docs/externaldata/
 */
export function gatekeeperManifests({ scope, timeoutSeconds, caBundle }: GatekeeperOptions): string {
  const { namespaceSelector, objectSelector } = selectors(scope);
  const assigns = places.map(({ name, location }) => ({
    object: {
      apiVersion: 'mutations.gatekeeper.sh/v1',
      kind: 'Assign',
      metadata: { name: `drayage-${name}` },
      spec: {
        applyTo: [{ groups: [''], versions: ['v1'], kinds: ['Pod'] }],
        match: { scope: 'Namespaced', namespaceSelector, labelSelector: objectSelector },
        location,
        parameters: {
          pathTests: [{ subPath: location, condition: 'MustExist' }],
          assign: {
            externalData: { provider, dataSource: 'ValueAtLocation', failurePolicy: 'Ignore' },
          },
        },
      },
    },
  }));
  return printManifests(head, [
    {
      object: {
        apiVersion: 'externaldata.gatekeeper.sh/v1beta1',
        kind: 'Provider',
        metadata: { name: provider },
        spec: {
          url: `https://${serverHost}:443/v1/gatekeeper`,
          timeout: timeoutSeconds,
          caBundle: Buffer.from(caBundle).toString('base64'),
        },
      },
    },
    ...assigns,
  ]);
}

const head = `Pods use the images that Drayage has mirrored, through Gatekeeper 3.11 or later: it asks the server that
drayage export admission-webhook --in-cluster brings, whose MutatingWebhookConfiguration then is not needed.
Apply it with kubectl apply -f FILE.

What it can’t do: it leaves no annotation with the original image, and says nothing of images that are not mirrored. Gatekeeper’s
own webhook also sees updates of Pods, and would restart a container by giving a running Pod another image: let it see only their
creation (mutatingWebhookCustomRules of its Helm chart). Pods that exist are not changed.`;
