import { type Manifest, printManifests } from '../print-manifests.ts';
import { type CertificateIssuer, certificateManifests, certificateName } from './certificate.ts';
import { type WebhookOptions, webhookConfiguration } from './configuration.ts';
import { namespace, tlsSecret } from './names.ts';
import { type ServerOptions, serverManifests } from './server.ts';

/** What both variants have. */
export type CommonOptions = Pick<WebhookOptions, 'scope' | 'missing' | 'timeoutSeconds' | 'caBundle'>;

/** The webhook in the cluster. */
export interface InClusterOptions extends CommonOptions, Omit<ServerOptions, 'missing'> {
  /** Let cert-manager make the certificate; the issuer may be one of its own. */
  certManager?: { issuer?: CertificateIssuer | undefined } | undefined;
}

/** The manifest by which the apiserver asks Drayage's API. */
export function remoteWebhook(url: string, options: CommonOptions): string {
  return printManifests(
    `Pods use the images that Drayage has mirrored: the apiserver asks Drayage’s API about each that is created.
Apply it with kubectl apply -f FILE. docs/admission-webhook.md explains it.
The address below is a secret: whoever knows it can ask what is mirrored.
While AWS is out of reach, Pods start with the upstream’s images. drayage export admission-webhook --in-cluster does not need it.`,
    [{ object: webhookConfiguration({ ...options, target: { kind: 'url', url } }) }],
  );
}

/** The manifests of a server in the cluster. */
export function inClusterWebhook(options: InClusterOptions): string {
  return printManifests(
    `Pods use the images that Drayage has mirrored: a server in the cluster knows the mapping, and answers the apiserver.
Apply it with kubectl apply -f FILE. docs/admission-webhook.md explains it.`,
    inClusterManifests(options),
  );
}

/** The same as objects. */
export function inClusterManifests(options: InClusterOptions): Manifest[] {
  const { certManager, ...common } = options;
  const injectFrom = certManager && certificateName;
  return [
    ...serverManifests(options),
    ...(certManager ? certificateManifests(certManager.issuer) : []),
    {
      ...(!certManager && {
        comment: `The certificate that caBundle has signed: kubectl -n ${namespace} create secret tls ${tlsSecret} --cert=… --key=…`,
      }),
      object: webhookConfiguration({ ...common, injectFrom, target: { kind: 'service' } }),
    },
  ];
}
