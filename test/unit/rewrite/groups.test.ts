import { describe, expect, it } from 'vitest';
import type { Digest } from '../../../core/oci/digest.ts';
import type { Reference } from '../../../core/oci/reference.ts';
import { rewrite } from '../../../core/rewrite/edits.ts';
import { findImages } from '../../../core/rewrite/find-images.ts';
import type { FileKind } from '../../../core/rewrite/kinds.ts';

const digest: Digest = `sha256:${'ab'.repeat(32)}`;
const other: Digest = `sha256:${'cd'.repeat(32)}`;
const pinned: Reference = { registry: 'm.example', repository: 'mirror/nginx', digest };
const tagged: Reference = { registry: 'm.example', repository: 'mirror/nginx', tag: '1.27' };

interface GroupCase {
  what: string;
  text: string;
  /** What the group means. */
  image?: string;
  /** The text when it names the mirror by digest. */
  pinned?: string;
  /** The text when it names the mirror by tag. */
  tagged?: string;
  /** What is recorded instead. */
  leftAlone?: string[];
}

function check(kind: FileKind, { text, image, leftAlone, ...after }: GroupCase) {
  const found = findImages(text, kind);
  expect(found.images.map((each) => each.image)).toEqual(image === undefined ? [] : [image]);
  expect(found.leftAlone.map(({ why, text: left }) => `${why} ${left}`)).toEqual(leftAlone ?? []);
  const changed = (to: Reference) =>
    rewrite(
      text,
      found.images.flatMap((each) => each.edits(to)),
    );
  if (after.pinned !== undefined) expect(changed(pinned)).toBe(after.pinned);
  if (after.tagged !== undefined) expect(changed(tagged)).toBe(after.tagged);
}

const kustomize: GroupCase[] = [
  {
    what: 'name and tag',
    text: 'images:\n  - name: nginx # the web\n    newTag: "1.27" # tag\nresources: [a]\n',
    image: 'nginx:1.27',
    pinned: `images:\n  - name: nginx # the web\n    newName: m.example/mirror/nginx\n    digest: "${digest}" # tag\nresources: [a]\n`,
    tagged:
      'images:\n  - name: nginx # the web\n    newName: m.example/mirror/nginx\n    newTag: "1.27" # tag\nresources: [a]\n',
  },
  {
    what: 'a new name',
    text: "images:\n- newTag: 1.27\n  newName: 'nginx'\n  name: web\n",
    image: 'nginx:1.27',
    pinned: `images:\n- digest: ${digest}\n  newName: 'm.example/mirror/nginx'\n  name: web\n`,
    tagged: "images:\n- newTag: 1.27\n  newName: 'm.example/mirror/nginx'\n  name: web\n",
  },
  {
    what: 'a digest',
    text: `images:\n- name: nginx\n  digest: ${other}`,
    image: `nginx@${other}`,
    pinned: `images:\n- name: nginx\n  newName: m.example/mirror/nginx\n  digest: ${digest}`,
  },
  {
    what: 'tag and digest',
    text: `images:\n- name: nginx\n  newTag: "1.27"\n  digest: ${other}\n`,
    image: `nginx:1.27@${other}`,
    pinned: `images:\n- name: nginx\n  newName: m.example/mirror/nginx\n  newTag: "1.27"\n  digest: ${digest}\n`,
  },
  {
    what: 'flow style',
    text: 'images: [{name: nginx, newTag: "1.27"}]\n',
    image: 'nginx:1.27',
    pinned: `images: [{name: nginx, newName: m.example/mirror/nginx, digest: "${digest}"}]\n`,
  },
  {
    what: 'JSON',
    text: '{"images": [{"name": "nginx", "newTag": "1.27"}]}',
    image: 'nginx:1.27',
    pinned: `{"images": [{"name": "nginx", "newName": "m.example/mirror/nginx", "digest": "${digest}"}]}`,
  },
  {
    what: 'CRLF, and a name at the end',
    text: 'images:\r\n- newTag: "1.27"\r\n  name: nginx',
    image: 'nginx:1.27',
    pinned: `images:\r\n- digest: "${digest}"\r\n  name: nginx\r\n  newName: m.example/mirror/nginx`,
  },
  {
    what: 'a name in a block',
    text: 'images:\n  - name: |-\n      nginx\n    newTag: "1.27"\n',
    image: 'nginx:1.27',
    pinned: `images:\n  - newName: m.example/mirror/nginx\n    name: |-\n      nginx\n    digest: "${digest}"\n`,
  },
  { what: 'a name alone', text: 'images:\n- name: nginx\n  newName: x\n', leftAlone: ['unclear x'] },
  {
    what: 'a pattern',
    text: 'images:\n- name: (docker.io/)?nginx\n  newTag: "1"\n',
    leftAlone: ['unclear (docker.io/)?nginx:1'],
  },
  {
    what: 'a pattern with a new name',
    text: 'images:\n- name: (docker.io/)?nginx:1\n  newName: nginx\n  newTag: "1"\n',
    image: 'nginx:1',
    pinned: `images:\n- name: (docker.io/)?nginx:1\n  newName: m.example/mirror/nginx\n  digest: "${digest}"\n`,
  },
  {
    what: 'a merged entry',
    text: 'x-a: &a {newTag: "1.27"}\nimages:\n- <<: *a\n  name: nginx\n',
    leftAlone: ['unclear nginx:1.27'],
  },
];

const helm: GroupCase[] = [
  {
    what: 'repository and tag',
    text: 'image:\n  repository: nginx\n  pullPolicy: Always\n  tag: "1.27" # version\n',
    image: 'nginx:1.27',
    pinned: `image:\n  repository: m.example/mirror/nginx\n  pullPolicy: Always\n  tag: "1.27@${digest}" # version\n`,
    tagged: 'image:\n  repository: m.example/mirror/nginx\n  pullPolicy: Always\n  tag: "1.27" # version\n',
  },
  {
    what: 'registry, repository, tag and an empty digest',
    text: 'proxy:\n  image: {registry: docker.io, repository: library/nginx, tag: 1.27, digest: ""}\n',
    image: 'docker.io/library/nginx:1.27',
    pinned: `proxy:\n  image: {registry: m.example, repository: mirror/nginx, tag: 1.27, digest: "${digest}"}\n`,
    tagged: 'proxy:\n  image: {registry: m.example, repository: mirror/nginx, tag: 1.27, digest: ""}\n',
  },
  {
    what: 'an empty registry',
    text: "web:\n  registry: ''\n  repository: nginx\n  tag: 1.27\n",
    image: 'nginx:1.27',
    pinned: `web:\n  registry: ''\n  repository: m.example/mirror/nginx\n  tag: 1.27@${digest}\n`,
  },
  {
    what: 'a registry that is null',
    text: 'web:\n  registry:\n  repository: nginx\n  tag: 1.27\n',
    image: 'nginx:1.27',
    pinned: `web:\n  registry:\n  repository: m.example/mirror/nginx\n  tag: 1.27@${digest}\n`,
  },
  {
    what: 'a digest without tag',
    text: `image: {repository: nginx, digest: '${other}'}\n`,
    image: `nginx@${other}`,
    pinned: `image: {repository: m.example/mirror/nginx, digest: '${digest}'}\n`,
  },
  {
    what: 'a digest behind the tag',
    text: `image: {repository: nginx, tag: "1.27@${other}"}\n`,
    image: `nginx:1.27@${other}`,
    pinned: `image: {repository: m.example/mirror/nginx, tag: "1.27@${digest}"}\n`,
  },
  {
    what: 'a whole reference as the repository',
    text: 'image: {repository: "nginx:1.27"}\n',
    image: 'nginx:1.27',
    pinned: `image: {repository: "m.example/mirror/nginx@${digest}"}\n`,
  },
  {
    what: 'a name',
    text: 'initImage: {name: nginx, tag: "1.27"}\n',
    image: 'nginx:1.27',
    pinned: `initImage: {name: m.example/mirror/nginx, tag: "1.27@${digest}"}\n`,
  },
  {
    what: 'an image beside its tag',
    text: 'image: nginx\ntag: "1.27"\n',
    image: 'nginx:1.27',
    pinned: `image: m.example/mirror/nginx\ntag: "1.27@${digest}"\n`,
  },
  {
    what: 'an image as one text',
    text: 'list:\n- image: nginx:1.27\n',
    image: 'nginx:1.27',
    pinned: `list:\n- image: m.example/mirror/nginx@${digest}\n`,
  },
  { what: 'no tag', text: 'image: {repository: nginx, tag: ""}\n', leftAlone: ['unclear nginx'] },
  {
    what: 'a template',
    text: 'image: {repository: nginx, tag: "{{ .Chart.AppVersion }}"}\n',
    leftAlone: ['variable nginx:{{ .Chart.AppVersion }}'],
  },
  {
    what: 'merged defaults',
    text: 'defaults: &d {registry: docker.io, tag: "1"}\nimage:\n  <<: *d\n  repository: nginx\n',
    leftAlone: ['unclear docker.io/nginx:1'],
  },
  { what: 'a chart’s dependency', text: 'dependencies:\n- name: x\n  repository: https://charts.example\n' },
];

describe('the images of a kustomization', () => {
  it.each(kustomize)('$what', (each) => check('kustomization', each));

  it('are found in streams, and in Flux’s Kustomization', () => {
    const text =
      'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages: [{name: a, newTag: "1"}]\n---\n' +
      'apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec: {images: [{name: b, newTag: "2"}]}\n';
    expect(findImages(text, 'kubernetes').images.map(({ image }) => image)).toEqual(['a:1', 'b:2']);
  });
});

describe('the values of a chart', () => {
  it.each(helm)('$what', (each) => check('helm-values', each));
});
