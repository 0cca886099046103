/**
 * The names that cosign gives to types of attestations, and the URIs that stand in the statements.
 * https://github.com/sigstore/cosign/blob/main/pkg/cosign/attestation/attestation.go and
 * https://github.com/sigstore/cosign/blob/main/cmd/cosign/cli/options/predicate.go
 */
export const predicateTypes: Readonly<Record<string, string>> = {
  custom: 'https://cosign.sigstore.dev/attestation/v1',
  slsaprovenance: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance02: 'https://slsa.dev/provenance/v0.2',
  slsaprovenance1: 'https://slsa.dev/provenance/v1',
  spdx: 'https://spdx.dev/Document',
  spdxjson: 'https://spdx.dev/Document',
  cyclonedx: 'https://cyclonedx.org/bom',
  link: 'https://in-toto.io/Link/v1',
  vuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  openvex: 'https://openvex.dev/ns',
};

/**
 * The predicate type of a statement that only says that the image is signed: cosign 3 writes it.
 */
export const signaturePredicateType = 'https://sigstore.dev/cosign/sign/v1';

/** The URI for one of cosign's names, or for a URI itself; undefined for anything else. */
export function predicateTypeOf(name: string): string | undefined {
  if (Object.hasOwn(predicateTypes, name)) return predicateTypes[name];
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,1000}$/i.test(name) ? name : undefined;
}
