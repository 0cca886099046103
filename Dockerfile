# syntax=docker/dockerfile:1
# The drayage command as a container image, for those who have a container engine:
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag REGISTRY/drayage:VERSION --push .
#
# `npm run image` makes the same image without one, and reproducibly: docs/image.md.

# Node 24 at /nodejs/bin/node, without a shell or a package manager.
ARG BASE=gcr.io/distroless/nodejs24-debian13:nonroot

# The bundle is JavaScript: it is built once, for all platforms.
FROM --platform=$BUILDPLATFORM docker.io/library/node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run image:files -- /out

FROM ${BASE}
COPY --from=build /out /app
ENV NODE_ENV=production
WORKDIR /app
USER 65532:65532
EXPOSE 8443
ENTRYPOINT ["/nodejs/bin/node", "/app/dist/cli/main.js"]
CMD []
