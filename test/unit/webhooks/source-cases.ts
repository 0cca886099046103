/** What a sender sends, without the proof that it is authentic: tests add that. */
export interface CaseDelivery {
  /** JSON, or text as it stands. */
  body: unknown;
  /** Besides content type and proof; names in lower case. */
  headers?: Record<string, string>;
  /** Which of the other configurations it is sent to. */
  variant?: string;
}

/**
 * The deliveries of a source, each by its title, and what becomes of them. `cases/<source>.ts`
 * exports them as `cases`.
 */
export interface SourceCases {
  /**
   * The `upstreams` of mirror.yaml as YAML, one of which has the webhook `{ source: <source>, name:
   * it }`. `{jwks}` stands for the address of the keys of the tests' OpenID issuer.
   */
  upstreams: string;
  /** Other configurations, by name, in the same form. */
  variants?: Record<string, string>;
  /**
   * What leads to jobs: the images, the digests that the delivery gives for them (absent: not
   * checked), and the reasons for everything else in the delivery.
   */
  accepted: Record<
    string,
    CaseDelivery & { images: string[]; digests?: (string | undefined)[]; ignored?: string[] }
  >;
  /**
   * Deletions: the images (tag, digest or both) that they lead to if every rule says `deleted:
   * unmap`, and the other reasons. As the rules are configured, they keep what is deleted. Absent
   * if the sender reports none.
   */
  deletions?: Record<string, CaseDelivery & { images: string[]; ignored?: string[] }>;
  /**
   * What leads to nothing: whole reasons. Each code of the guide has a case here, and each
   * malformed field that decides.
   */
  ignored: Record<string, CaseDelivery & { reasons: string[] }>;
  /** Pings and handshakes. */
  answered?: Record<
    string,
    CaseDelivery & { method?: 'OPTIONS'; answer: { status: number; headers?: object; body: unknown } }
  >;
}

/** Loads the cases of a source; each has some. */
export async function loadCases(source: string): Promise<SourceCases> {
  return ((await import(`./cases/${source}.ts`)) as { cases: SourceCases }).cases;
}
