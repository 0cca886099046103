import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { helmMajors, openHelm } from '../support/helm.ts';
import { type Pipeline, startPipeline } from '../support/pipeline.ts';
import { seededImage } from '../support/seeded-image.ts';

const root = resolve(import.meta.dirname, '../..');
const docs = readFileSync(join(root, 'docs/rewrite.md'), 'utf8').split('## Helm\n')[1] ?? '';

/** A chart with what post-renderers meet: helpers, hooks, an object without images. */
const chart: Record<string, string> = {
  'Chart.yaml': 'apiVersion: v2\nname: shop\nversion: 1.0.0\nappVersion: "1.0"\n',
  'values.yaml': 'image: {repository: ghcr.io/acme/shop, tag: ""}\n',
  'templates/_helpers.tpl':
    '{{- define "image" -}}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{- end -}}\n',
  'templates/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}"}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
        - name: shop   # the shop
          image: "{{ include "image" . }}"
        - name: other
          image: quay.io/acme/other:2
---
apiVersion: v1
kind: ConfigMap
metadata: {name: notes}
data: {image: ghcr.io/acme/shop:1.0}
`,
  'templates/hook.yaml': `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {helm.sh/hook: pre-install}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: migrate, image: ghcr.io/acme/shop:1.0}]
`,
};

describe.each(helmMajors)('drayage rewrite as post-renderer of Helm %i', (major) => {
  const helm = openHelm(major);
  const shop = seededImage({ seed: 'rewrite shop', layers: [{ size: 3_000 }] });
  let pipeline: Pipeline;
  let folder: string;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drayage-helm-'));
    write('bin/drayage', `#!/bin/sh\nexec '${process.execPath}' '${root}/cli/drayage.js' "$@"\n`, 0o755);
    for (const [path, text] of Object.entries(chart)) write(`shop/${path}`, text);
    const [, plugin = ''] = /```yaml\n([\s\S]*?)```/.exec(docs) ?? [];
    if (major === 4) write('plugins/drayage/plugin.yaml', plugin);
    pipeline = await startPipeline();
    await pipeline.mirror('acme/shop', '1.0', shop);
    env = {
      DRAYAGE_API: pipeline.api,
      HELM_PLUGINS: join(folder, 'plugins'),
      PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
    };
  });
  afterAll(async () => {
    await pipeline[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (path: string, text: string, mode = 0o644) => {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, mode);
  };
  const template = (...args: string[]) => helm(['template', 'mine', join(folder, 'shop'), ...args], env);
  /** As docs/rewrite.md says: Helm 3 runs a program, Helm 4 a plugin, which brings its argument. */
  const postRenderer = (...args: string[]) => [
    '--post-renderer',
    'drayage',
    ...[...(major === 3 ? ['rewrite'] : []), ...args].map((arg) => `--post-renderer-args=${arg}`),
  ];
  const pinned = () => `${pipeline.stack.ready.registry}/mirror/ghcr.io/acme/shop@${shop.manifest.digest}`;
  /** The Deployment, the ConfigMap and the hook, as Helm orders them. */
  const objects = (text: string) =>
    ['Deployment', 'ConfigMap', 'Job'].map((kind) =>
      parseAllDocuments(text)
        .map((document) => document.toJS())
        .find((object) => object?.kind === kind),
    );

  it('is documented as it is tested', () => {
    expect(docs).toContain('--post-renderer drayage --post-renderer-args rewrite');
    expect(docs).toContain('type: postrenderer/v1');
  });

  it('rewrites what the chart renders, and nothing else', async () => {
    const plain = await template();
    const rewritten = await template(...postRenderer());
    const change = (text: string) => text.replace('ghcr.io/acme/shop:1.0', pinned());
    // Helm 4 prints the manifests again before a post-renderer gets them, with other quotes.
    if (major === 3)
      expect(rewritten.trim()).toBe(plain.trim().replace('"ghcr.io/acme/shop:1.0"', `"${pinned()}"`));
    const [deployment, notes, hook] = objects(plain);
    expect(objects(rewritten)).toEqual([
      JSON.parse(change(JSON.stringify(deployment))),
      notes,
      // Helm 3 gives hooks to no post-renderer.
      major === 3 ? hook : JSON.parse(change(JSON.stringify(hook))),
    ]);
  });

  it('passes options on', async () => {
    const tagged = await template(...postRenderer('--tags'));
    expect(tagged).toContain(`${pipeline.stack.ready.registry}/mirror/ghcr.io/acme/shop:1.0`);
    // Helm 4 does not show what a plugin writes on standard error.
    await expect(template(...postRenderer('--missing', 'fail'))).rejects.toThrow(
      major === 3 ? 'quay.io/acme/other:2' : 'plugin "drayage" exited with error',
    );
  });
});
