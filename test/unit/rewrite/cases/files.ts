// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of other languages.
import type { MarkedCase } from './marked.ts';

const compose = (what: string, marked: string, leftAlone: string[] = []): MarkedCase => ({
  what: `Compose: ${what}`,
  kind: 'compose',
  marked,
  leftAlone,
});
const actions = (what: string, marked: string, leftAlone: string[] = []): MarkedCase => ({
  what: `GitHub Actions: ${what}`,
  kind: 'github-actions',
  marked,
  leftAlone,
});
const dockerfile = (what: string, marked: string, leftAlone: string[] = []): MarkedCase => ({
  what: `Dockerfile: ${what}`,
  kind: 'dockerfile',
  marked,
  leftAlone,
});

export const composeCases: MarkedCase[] = [
  compose(
    'services, with and without build',
    `name: shop
services:
  web:
    image: «nginx:1.27»
    environment: {image: x}
  app:
    build: .
  both:
    build: {context: .}
    image: acme/both:dev
  db: {image: "«postgres:17»"}
`,
    ['unclear acme/both:dev'],
  ),
  compose(
    'interpolation is left alone',
    'services:\n  a: {image: "nginx:${TAG:-1.27}"}\n  b:\n    image: $IMAGE\n  c: {image: «redis:7»}\n',
    ['variable nginx:${TAG:-1.27}', 'variable $IMAGE'],
  ),
  compose(
    'extensions and merge keys',
    'x-base: &base\n  image: «nginx:1.27»\nx-image: &i «redis:7»\nservices:\n  a: {<<: *base}\n  b: {<<: *base}\n  c: {image: *i}\n  d: {image: *i}\n',
  ),
  compose(
    'image volumes',
    'services:\n  a:\n    volumes:\n      - type: image\n        source: «models:1»\n      - type: bind\n        source: ./image\n',
  ),
];

export const actionsCases: MarkedCase[] = [
  actions(
    'containers, services and steps',
    `on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    container: «node:24»
    services:
      db:
        image: «postgres:17»
        env: {image: x}
      cache: {image: «redis:7»}
    steps:
      - uses: actions/checkout@v5
      - uses: docker://«alpine:3.22»
      - run: "docker run nginx"
  b:
    container:
      image: «ghcr.io/acme/ci:1»
      credentials: {username: x}
  c:
    container: \${{ matrix.image }}
  d:
    container:
`,
    ['variable ${{ matrix.image }}'],
  ),
  actions('an action', 'name: a\nruns:\n  using: docker\n  image: docker://«alpine:3.22»\n'),
  actions('an action that builds', 'name: a\nruns:\n  using: docker\n  image: Dockerfile\n'),
];

export const dockerfileCases: MarkedCase[] = [
  dockerfile('one stage', 'FROM «nginx:1.27»\nRUN echo FROM redis\n'),
  dockerfile(
    'lower case, flags, spaces',
    '  from   --platform=$BUILDPLATFORM   «golang:1.24»   as   Build  \n',
  ),
  dockerfile(
    'stages by name and number',
    'FROM «golang:1.24» AS build\nFROM «alpine:3.22» AS base\nFROM base\nFROM Build\nCOPY --from=build /a /b\nCOPY --from=0 /a /b\nCOPY --from=BASE /a /b\n',
  ),
  dockerfile('a stage that comes later is an image for FROM', 'FROM «later»\nFROM «a:1» AS later\n'),
  dockerfile('scratch', 'FROM scratch\nCOPY --from=«a:1» / /\nCOPY --from=scratch / /\n'),
  dockerfile(
    'COPY and RUN with images',
    'FROM scratch\nCOPY --chown=1:1 --from=«ghcr.io/astral-sh/uv:0.9» /uv /bin/\nRUN --mount=type=cache,target=/c --mount=type=bind,from=«a:1»,target=/a --network=none make --from=x\nRUN --mount=type=bind,source=x,FROM=«b:1» true\nCOPY x --from=y\nADD --from=c:1 a b\n',
  ),
  dockerfile(
    'a default that FROM names as a whole',
    'ARG BASE=«nginx:1.27»\nARG OTHER="«redis:7»" LAST=\'«b:1»\'\nFROM ${BASE}\nFROM $OTHER AS o\nFROM "$LAST"\nFROM ${BASE} AS again\n',
  ),
  dockerfile(
    'variables that are parts',
    'ARG TAG=1.27\nARG REGISTRY=docker.io\nARG BASE=nginx\nARG MORE=x:${TAG}\nFROM nginx:$TAG\nFROM ${REGISTRY}/nginx:1\nFROM ${BASE}\nFROM ${BASE}:1\nFROM $MORE\nFROM $NONE\nCOPY --from=$X a b\n',
    [
      'variable x:${TAG}',
      'variable nginx:$TAG',
      'variable ${REGISTRY}/nginx:1',
      'variable ${BASE}',
      'variable ${BASE}:1',
      'variable $NONE',
      'variable $X',
    ],
  ),
  dockerfile('a default in the variable', 'FROM ${BASE:-«nginx:1.27»}\n'),
  dockerfile('arguments of a stage', 'FROM «a:1»\nARG BASE=b:1\nRUN echo $BASE\n'),
  dockerfile('an argument that no FROM names', 'ARG IMAGE=a:1\nFROM «b:1»\n'),
  dockerfile(
    'continued lines and comments',
    'FROM \\\n  # FROM x\n\n  --platform=linux/amd64 \\  \n  «nginx:1.27» \\\n  AS web\nRUN a && \\\n  # comment\n  FROM x\nCOPY \\\n --from=«a:1» \\\n a b\n',
  ),
  dockerfile('a reference over two lines', 'FROM ngi\\\nnx:1.27\n', ['unclear nginx:1.27']),
  dockerfile('quotes', 'FROM "«nginx:1.27»"\nCOPY --from="«a:1»" b c\n'),
  dockerfile('the frontend', '# syntax=«docker/dockerfile:1.19»\n# escape=`\nFROM `\n  «a:1»\n'),
  dockerfile(
    'the frontend after a shebang, with options',
    '#!/x\n#SYNTAX = «docker.io/docker/dockerfile:1» a b\nFROM «a:1»\n',
  ),
  dockerfile('directives only at the beginning', '# a comment\n# syntax=docker/dockerfile:1\nFROM «a:1»\n'),
  dockerfile(
    'here-documents',
    'FROM «a:1»\nRUN <<EOF\nFROM x\nEOF\nRUN cat <<-"END" > /x <<2\n\tFROM y\n\tEND\nFROM z\n2\nCOPY <<a <<b /\nFROM p\na\nFROM q\nb\nFROM «b:1»\n',
  ),
  dockerfile('a here-document without an end', 'FROM «a:1»\nRUN <<EOF\nFROM x\n'),
  dockerfile('triggers', 'FROM «a:1»\nONBUILD COPY --from=«b:1» x y\nONBUILD RUN --mount=from=«c:1» true\n'),
  dockerfile(
    'CRLF, a byte order mark and no line break at the end',
    '\uFEFFFROM «a:1» AS x\r\nRUN y \\\r\n z\r\nFROM «b:1»',
  ),
  dockerfile('not a reference', 'FROM Nginx\nFROM\nFROM --platform=x\nCOPY --from= a b\n', ['invalid Nginx']),
  dockerfile('nothing', ''),
];
