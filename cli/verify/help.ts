/** What `drayage verify --help` prints after its options. */
export const verifyHelp = `
Reads the image's signatures from its registry, and verifies them as the pipeline does before it mirrors an image: cosign's signatures
under the tags sha256-….sig and .att or listed as referrers, and Sigstore bundles. It writes nothing and needs no pipeline.

Examples:
  $ drayage verify ghcr.io/acme/shop:1.0
  $ drayage verify ghcr.io/acme/shop:1.0 --key cosign.pub
  $ drayage verify ghcr.io/acme/shop:1.0 --issuer https://token.actions.githubusercontent.com --identity 'https://github.com/acme/*'
  $ drayage verify ghcr.io/acme/shop:1.0 --key cosign.pub --type slsaprovenance1

Logins work as for drayage copy. Exit codes: 0 verified, 1 missing, wrong or failed, 2 wrong usage. For details, see docs/verify.md.`;
