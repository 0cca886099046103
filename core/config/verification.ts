/** What an image must be signed with before it is mirrored. */
export interface Verification {
  /** Whether one requirement is enough, or every one must be met. */
  match: 'any' | 'all';
  /** At least one. */
  requirements: SignatureRequirement[];
}

/** A signature of the image itself, or a signed statement about it (an attestation). */
export type SignatureRequirement =
  | { kind: 'signature'; authority: Authority }
  | {
      kind: 'attestation';
      /** A URI, as it stands in in-toto statements. */
      predicateType: string;
      /** What the predicate's fields must be: all of these. */
      where: PredicateCondition[];
      authority: Authority;
    };

/** Who must have signed. */
export type Authority =
  | {
      kind: 'key';
      /** Where the key was read from, relative to mirror.yaml; absent if it stands there itself. */
      file?: string;
      /** In PEM form; absent until the file is read (`loadConfig`). */
      publicKey?: string;
    }
  | {
      kind: 'kms';
      /** ARN of a key or an alias of AWS KMS, or `alias/…` in the functions' account and region. */
      key: string;
    }
  | {
      kind: 'keyless';
      /** Who vouched for the identity: the certificate's OIDC issuer. */
      issuer: TextMatch;
      /** The certificate's subject alternative name: a workflow's URI or an e-mail address. */
      identity: TextMatch;
      /** File with a Sigstore trusted root, relative to mirror.yaml; absent: the public one. */
      trustedRootFile?: string;
      /** The content of that file; absent until it is read (`loadConfig`). */
      trustedRoot?: string;
    };

/** A text that must be equal, or match a pattern in which `*` is any characters. */
export type TextMatch = { equals: string } | { pattern: string };

/** A field of a predicate, as a path with dots, and what it must be. */
export interface PredicateCondition {
  field: string;
  value: TextMatch;
}
