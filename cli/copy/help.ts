/** What `drayage copy --help` tells after its options. */
export const copyHelp = `
Only blobs that the destination lacks are copied, byte for byte, so digests stay the same. With --platform, an index loses
its other platforms: the result is a smaller index with a digest of its own.

Examples:
  One image:
  $ drayage copy docker.io/library/alpine:3.22 registry.example/mirror/alpine:3.22
  $ drayage copy ghcr.io/acme/shop@sha256:… registry.example/shop:1.0 --platform linux/amd64 --platform linux/arm64

  With its signatures and SBOMs:
  $ drayage copy ghcr.io/acme/shop:1.0 registry.example/shop:1.0 --referrers

  Into a registry without TLS, on this machine:
  $ drayage copy alpine:3.22 localhost:5000/alpine:3.22 --dst-plain-http

  What would be copied? Nothing is written:
  $ drayage copy alpine:3.22 registry.example/alpine:3.22 --dry-run

  The ten newest versions of a repository, without release candidates:
  $ drayage copy --all-tags --semver '>=1.25' --latest 10 docker.io/library/nginx registry.example/nginx
  $ drayage copy --all-tags --include '*-alpine' --exclude 'mainline*' nginx registry.example/nginx

  For a program: the result as one JSON object; with --events, also one line per event before it:
  $ drayage copy alpine:3.22 registry.example/alpine:3.22 --json | jq -r .digest
  $ drayage copy alpine:3.22 registry.example/alpine:3.22 --events

Logins are those of docker login, podman login and their credential helpers: $DOCKER_CONFIG/config.json or
~/.docker/config.json, then $REGISTRY_AUTH_FILE or containers/auth.json. They are read only when a registry asks for one.
A registry whose token service is on another host needs --auth-host HOST, unless its host is built in.

Exit codes: 0 copied (or planned), 1 failed (also if any tag failed), 2 wrong usage. docs/copy.md has the details.`;
