import type { Manifest } from '../print-manifests.ts';
import { namespace, serverHost, serverName, tlsSecret } from './names.ts';

/** Who signs the server's certificate. */
export interface CertificateIssuer {
  kind: 'Issuer' | 'ClusterIssuer';
  name: string;
}

/** What {@link certificateManifests} makes, for the webhook: `namespace/name`. */
export const certificateName = `${namespace}/${serverName}`;

/**
 * The certificate of the server, by cert-manager: https://cert-manager.io/docs/usage/certificate/
 *
 * @param issuer absent: an Issuer of its own, which signs for itself
 */
export function certificateManifests(issuer: CertificateIssuer | undefined): Manifest[] {
  const own: CertificateIssuer = { kind: 'Issuer', name: serverName };
  const metadata = { name: serverName, namespace };
  const certificate = {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata,
    spec: {
      secretName: tlsSecret,
      dnsNames: [serverHost, `${serverHost}.cluster.local`],
      issuerRef: issuer ?? own,
    },
  };
  const self = { apiVersion: 'cert-manager.io/v1', kind: 'Issuer', metadata, spec: { selfSigned: {} } };
  return [...(issuer === undefined ? [{ object: self }] : []), { object: certificate }];
}
