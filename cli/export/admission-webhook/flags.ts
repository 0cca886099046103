import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { MissingChoice } from '../../../core/admission/choice.ts';
import { fileFailure } from '../../../core/config/file-failure.ts';
import type { PolicyScope } from '../../../core/exports/manifests/admission-policy/policy.ts';
import type { CertificateIssuer } from '../../../core/exports/manifests/admission-webhook/certificate.ts';
import type { ApiFlags } from '../../shared/api-command.ts';
import { CommandError } from '../../shared/command-error.ts';
import { parseDuration } from '../../shared/parse-duration.ts';

/** Which Pods a webhook sees. */
export interface ScopeFlags {
  excludeNamespace: readonly string[];
  namespace: readonly string[];
  optIn?: boolean;
}

/** The options of `drayage export admission-webhook`, as they are parsed. */
export interface AdmissionWebhookFlags extends ApiFlags, ScopeFlags {
  output?: string;
  missing: MissingChoice;
  tags?: boolean;
  timeout?: number;
  /** The address of the API as the cluster sees it. */
  reachedAt?: string;
  caBundle?: string;
  inCluster?: boolean;
  image?: string;
  replicas?: number;
  refresh?: string;
  region?: string;
  certManager?: CertificateIssuer | true;
}

/** The scope that flags name. */
export function scopeOf({ excludeNamespace, namespace, optIn = false }: ScopeFlags): PolicyScope {
  return { excludedNamespaces: excludeNamespace, namespaces: namespace, optIn };
}

/** How long an apiserver waits: from 1 to 30 seconds. */
export function parseTimeout(text: string): number {
  const seconds = parseDuration(text);
  if (seconds <= 30) return seconds;
  throw new InvalidArgumentError('an apiserver waits for 30s at most');
}

/** A duration that is passed on as it is written. */
export function parseRefresh(text: string): string {
  parseDuration(text);
  return text;
}

/** `Issuer/name` or `ClusterIssuer/name`, of cert-manager. */
export function parseIssuer(text: string): CertificateIssuer {
  const [, kind, name] = /^(Issuer|ClusterIssuer)\/([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)$/.exec(text) ?? [];
  if ((kind === 'Issuer' || kind === 'ClusterIssuer') && name !== undefined) return { kind, name };
  throw new InvalidArgumentError(
    `${JSON.stringify(text)} is not an issuer such as ClusterIssuer/internal or Issuer/internal`,
  );
}

/** The certificates in a PEM file. @throws CommandError */
export function readCaBundle(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { reason, remedy } = fileFailure(error, file);
    throw new CommandError(`--ca-bundle ${file} can’t be read: ${reason}`, remedy);
  }
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0 || !certificates.every(isCertificate) || text.includes('PRIVATE KEY'))
    throw new CommandError(
      `--ca-bundle ${file} does not hold PEM certificates only`,
      'name the certificate of the authority that signed the server’s: it begins with -----BEGIN CERTIFICATE-----',
    );
  return `${certificates.join('\n')}\n`;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).validTo !== '';
  } catch {
    return false;
  }
}
