/** What `drayage sync --help` tells after its options. */
export const syncHelp = `
mirror.yaml says what: upstreams, rules for repositories and tags, platforms, referrers. The tags that the rules select are compared, and
what differs is copied, as drayage copy does it. The pipeline does the same for each push; this is one run, for a cron job, for a first
look before cdk deploy, or for a site that the cloud does not reach.

A rule with * or ? in match is answered by the registry's list of repositories. Many registries offer none (Docker Hub, ghcr.io):
write the names there. An image's place is PREFIX/REGISTRY/REPOSITORY: docker.io/library/nginx:1.27 goes to
registry.example/mirror/docker.io/library/nginx:1.27.

Examples:
  What would be copied? Nothing is written:
  $ drayage sync --to registry.example/mirror --dry-run

  Into a registry on this machine, without TLS:
  $ drayage sync --to localhost:5000/mirror --dst-plain-http

  Into Amazon ECR: the registry of the first region in mirror.yaml, or any other. Missing repositories are created:
  $ drayage sync
  $ drayage sync --to 111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror

  For other programs: where each image is, and the result as one JSON object:
  $ drayage sync --to registry.example/mirror --mapping mapping.json
  $ drayage sync --to registry.example/mirror --json | jq -r '.images[] | select(.outcome == "failed") | .image'

Logins are those of docker login, podman login and their credential helpers, and AWS credentials for Amazon ECR. With --secrets, upstreams
get those that mirror.yaml names under credentials, and no others: {"drayage/docker-hub": {"username": "…", "password": "…"}}.

Exit codes: 0 all images are there (or planned), 1 any failed, 2 wrong usage. docs/sync.md has the details.`;
