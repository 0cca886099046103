/** What `drayage verify --help` tells after its options. */
export const verifyHelp = `
Asks the image's registry for its signatures, and verifies them as the mirror does before it takes the image: cosign's under the tags
sha256-….sig and .att, those that the registry lists as referrers, and Sigstore's bundles. Nothing is written, and no pipeline is needed.

Examples:
  $ drayage verify ghcr.io/acme/shop:1.0
  $ drayage verify ghcr.io/acme/shop:1.0 --key cosign.pub
  $ drayage verify ghcr.io/acme/shop:1.0 --issuer https://token.actions.githubusercontent.com --identity 'https://github.com/acme/*'
  $ drayage verify ghcr.io/acme/shop:1.0 --key cosign.pub --type slsaprovenance1

Logins are those of drayage copy. Exit codes: 0 verified, 1 wrong, missing or failed, 2 usage. docs/verify.md has the details.`;
