import { type PolicyScope, selectors } from '../admission-policy/policy.ts';
import { namespace, serverName } from './names.ts';

/** Where the apiserver sends its reviews. */
export type WebhookTarget =
  /** To an address, which may hold a secret. */
  | { kind: 'url'; url: string }
  /** To the server in the cluster. */
  | { kind: 'service' };

/** What a MutatingWebhookConfiguration says. */
export interface WebhookOptions {
  target: WebhookTarget;
  scope: PolicyScope;
  /** What happens to images that are not mirrored: `keep`, `warn`, `deny` or `enqueue`. */
  missing: string;
  timeoutSeconds: number;
  /** The PEM of the authority that signed the certificate; absent: one that the apiserver knows. */
  caBundle?: string | undefined;
  /** cert-manager puts the authority of this Certificate in: `namespace/name`. */
  injectFrom?: string | undefined;
}

/**
 * The webhook, which can't stop a Pod by its absence. It never sees updates of Pods: another image
 * would restart a container that runs.
 * https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
 */
export function webhookConfiguration(options: WebhookOptions): object {
  const { target, scope, missing, timeoutSeconds, caBundle, injectFrom } = options;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: 'drayage',
      ...(injectFrom !== undefined && { annotations: { 'cert-manager.io/inject-ca-from': injectFrom } }),
    },
    webhooks: [
      {
        name: 'rewrite.drayage.dev',
        admissionReviewVersions: ['v1'],
        clientConfig: {
          ...(target.kind === 'url'
            ? { url: target.url }
            : { service: { name: serverName, namespace, path: '/v1/admission', port: 443 } }),
          ...(caBundle !== undefined && { caBundle: Buffer.from(caBundle).toString('base64') }),
        },
        failurePolicy: 'Ignore',
        timeoutSeconds,
        sideEffects: missing === 'enqueue' ? 'NoneOnDryRun' : 'None',
        // For containers that other webhooks add.
        reinvocationPolicy: 'IfNeeded',
        ...selectors(scope),
        rules: [rule('pods', 'CREATE'), rule('pods/ephemeralcontainers', 'UPDATE')],
      },
    ],
  };
}

function rule(resource: string, operation: string): object {
  return {
    apiGroups: [''],
    apiVersions: ['v1'],
    resources: [resource],
    operations: [operation],
    scope: 'Namespaced',
  };
}
