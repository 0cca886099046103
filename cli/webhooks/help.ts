import { addressHelp } from '../shared/api-command.ts';

const exitCodes = 'Exit codes: 0 done, 1 failed, 2 usage.';

/** What `drayage webhooks --help` prints after its options. */
export const webhooksHelp = `
A webhook tells Drayage that an image was pushed. mirror.yaml configures webhooks, each under its upstream. The deployment’s
API provides what the sender needs: the webhook’s URL and secret.

From the configuration to the first event:
  $ export DRAYAGE_API=https://…  DRAYAGE_TOKEN=…
  $ drayage webhooks list                      the webhooks, and whether events arrive
  $ drayage webhooks register github           register one at GitHub; or by hand: drayage webhooks list github --secrets
  $ drayage webhooks test github               deliver one event as GitHub would, and follow its job

${exitCodes}`;

/** What `drayage webhooks list --help` prints after its options. */
export const listHelp = `${addressHelp}

Without --secrets, secrets and the tokens in URLs are shown as …. --json prints everything that the API returns for the
token: for the operator’s, secrets as well.

Examples:
  $ drayage webhooks list
  $ drayage webhooks list hub --secrets        with the steps to enter it by hand
  $ drayage webhooks list --json | jq -r '.webhooks[] | select(.deliveredAt == null) | .name'

${exitCodes}`;

/** What `drayage webhooks register --help` prints after its options. */
export const registerHelp = `${addressHelp} This needs the operator’s.

The credentials for the upstream’s API are in DRAYAGE_UPSTREAM_TOKEN, or in DRAYAGE_UPSTREAM_TOKEN_<NAME> for the webhook of
that name (in capitals, with _ for anything but letters and digits), or in --token-file. If the API needs a user name, add
--user or DRAYAGE_UPSTREAM_USER_<NAME>. They are sent only to that upstream.

  source           --at, by default from the rules      credentials
  github           ORGANISATION or OWNER/REPOSITORY     token: admin:org_hook or admin:repo_hook
  dockerhub        NAMESPACE/REPOSITORY                 --user, access token: Read, Write, Delete
  quay             NAMESPACE/REPOSITORY                 OAuth token: Administer Repositories
  harbor           PROJECT                              --user, password: of a project’s administrator
  gitea, forgejo   ORGANISATION, USER, OWNER/REPOSITORY token: write:organization or write:user, read:user
  acr              the registry’s resource id (needed)  token: az account get-access-token
  artifactory      REPOSITORY KEY, else all local ones  access token of an administrator
  nexus            NEXUS REPOSITORY, else of its options --user, password: nx-capabilities

Run it as often as you like: an existing webhook is updated, also after drayage webhooks rotate, but never added twice.
Others are left alone. If an API does not show secrets, the webhook is rewritten each time. Webhooks of other sources
are entered by hand: the command prints the steps and exits with 1.

Examples:
  $ gh auth token | drayage webhooks register github --token-file - --dry-run
  $ DRAYAGE_UPSTREAM_TOKEN=… drayage webhooks register hub --user acme --at acme/shop --at acme/web
  $ DRAYAGE_UPSTREAM_TOKEN=… drayage webhooks register harbor --user admin --endpoint https://harbor.example
  $ DRAYAGE_UPSTREAM_TOKEN=$(az account get-access-token --query accessToken --output tsv) \\
      drayage webhooks register acr --at "$(az acr show --name acme --query id --output tsv)"

${exitCodes}`;

/** What `drayage webhooks test --help` prints after its options. */
export const testHelp = `${addressHelp} This needs the operator’s.

Builds what the sender would send after a push, signs it with the webhook’s secret and delivers it to the webhook’s URL.
Drayage handles it like a real push. The test shows that the deployment and its rules work, not that the sender can reach
them: for that, check drayage webhooks list after a push.

Without --image it uses an image of the registry that is already mirrored. Webhooks that the sender signs with a key
of its own (OpenID Connect) can’t be tested this way.

Examples:
  $ drayage webhooks test github
  $ drayage webhooks test hub --image docker.io/acme/shop:1.0 --json | jq -r .job.state

Exit codes: 0 the job ended well (committed, satisfied, superseded), 1 anything else, 2 usage.`;

/** What `drayage webhooks rotate --help` prints after its options. */
export const rotateHelp = `${addressHelp} This needs the operator’s.

The webhook gets a new secret, which is printed; if the sender can’t sign, this means a new URL. The old secret stays valid
for a day, or as long as --keep says, so that nothing is lost until the sender has the new one. After a leak, use --keep 0s
and register at once: the old secret is refused everywhere within half a minute.

Examples:
  $ drayage webhooks rotate github && drayage webhooks register github
  $ drayage webhooks rotate hub --keep 0s

${exitCodes}`;
