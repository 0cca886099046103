// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of other languages.
import type { MarkedCase } from './marked.ts';

const pod = (spec: string) => `apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n${spec}`;
const one = (what: string, marked: string, leftAlone: string[] = []): MarkedCase => ({
  what,
  kind: 'kubernetes',
  marked,
  leftAlone,
});
const workload = (apiVersion: string, kind: string): MarkedCase =>
  one(
    `a ${kind}`,
    `apiVersion: ${apiVersion}
kind: ${kind}
metadata: {name: a, labels: {image: "nginx:1.27"}}
spec:
  template:
    metadata: {annotations: {image: redis}}
    spec:
      initContainers: [{name: i, image: «busybox:1.36»}]
      containers:
        - name: web
          image: «nginx:1.27»
          env: [{name: IMAGE, value: "nginx:1.27"}]
`,
  );

/** Where references stand in objects. */
export const objects: MarkedCase[] = [
  one(
    'a Pod with every field',
    pod(`  initContainers:
    - image: «a:1»
  containers:
    - image: «b:1»
  ephemeralContainers:
    - image: «c:1»
  volumes:
    - name: v
      image:
        reference: «d:1»
        pullPolicy: IfNotPresent
    - name: w
      configMap: {name: image}
`),
  ),
  workload('apps/v1', 'Deployment'),
  workload('apps/v1', 'StatefulSet'),
  workload('apps/v1', 'DaemonSet'),
  workload('apps/v1', 'ReplicaSet'),
  workload('v1', 'ReplicationController'),
  workload('batch/v1', 'Job'),
  workload('argoproj.io/v1alpha1', 'Rollout'),
  workload('serving.knative.dev/v1', 'Service'),
  workload('serving.knative.dev/v1', 'Configuration'),
  workload('example.com/v1', 'SomethingNew'),
  one(
    'a CronJob',
    'apiVersion: batch/v1\nkind: CronJob\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers:\n            - image: «a:1»\n',
  ),
  one(
    'a PodTemplate',
    'apiVersion: v1\nkind: PodTemplate\ntemplate: {spec: {containers: [{image: «a:1»}]}}\n',
  ),
  one(
    'a Knative Revision',
    'apiVersion: serving.knative.dev/v1\nkind: Revision\nspec: {containers: [{image: «a:1»}]}\n',
  ),
  one(
    'a List, and a list whose items do not repeat their kind',
    `apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Pod
    spec: {containers: [{image: «a:1»}]}
  - apiVersion: v1
    kind: PodList
    items:
      - spec: {containers: [{image: «b:1»}]}
`,
  ),
  one(
    'a list of functions',
    'apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - image: «a:1»\n',
  ),
  one(
    'a Tekton Task',
    `apiVersion: tekton.dev/v1
kind: Task
spec:
  stepTemplate: {image: «base:1»}
  steps:
    - {name: a, image: «alpine:3.22»}
    - {name: b, ref: {name: other}}
    - {name: c, image: $(params.image)}
  sidecars: [{name: s, image: «docker:dind»}]
`,
    ['variable $(params.image)'],
  ),
  one(
    'a Tekton TaskRun',
    'apiVersion: tekton.dev/v1\nkind: TaskRun\nspec: {taskSpec: {steps: [{image: «a:1»}]}}\n',
  ),
  one(
    'a Tekton Pipeline',
    `apiVersion: tekton.dev/v1
kind: Pipeline
spec:
  tasks:
    - {name: a, taskSpec: {steps: [{image: «a:1»}]}}
    - {name: n, pipelineSpec: {tasks: [{taskSpec: {steps: [{image: «n:1»}]}}]}}
  finally:
    - {name: b, taskSpec: {steps: [{image: «b:1»}]}}
`,
  ),
  one(
    'a Tekton PipelineRun',
    'apiVersion: tekton.dev/v1\nkind: PipelineRun\nspec: {pipelineSpec: {tasks: [{taskSpec: {steps: [{image: «a:1»}]}}]}}\n',
  ),
  one('a Tekton StepAction', 'apiVersion: tekton.dev/v1beta1\nkind: StepAction\nspec:\n  image: «a:1»\n'),
  one(
    'a Tekton TriggerTemplate',
    'apiVersion: triggers.tekton.dev/v1beta1\nkind: TriggerTemplate\nspec:\n  resourcetemplates:\n    - apiVersion: tekton.dev/v1\n      kind: TaskRun\n      spec: {taskSpec: {steps: [{image: «a:1»}]}}\n',
  ),
  one(
    'an Argo Workflow',
    `apiVersion: argoproj.io/v1alpha1
kind: Workflow
spec:
  templates:
    - container: {image: «a:1»}
    - script: {image: «b:1», source: "image: x"}
    - containerSet: {containers: [{image: «c:1»}]}
      initContainers: [{image: «d:1»}]
      sidecars: [{image: «e:1»}]
`,
  ),
  one(
    'an Argo CronWorkflow',
    'apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nspec: {workflowSpec: {templates: [{container: {image: «a:1»}}]}}\n',
  ),
  one(
    'what has no containers',
    'apiVersion: v1\nkind: ConfigMap\ndata:\n  image: nginx:1.27\n  pod.yaml: |\n    kind: Pod\n    spec: {containers: [{image: nginx}]}\n',
  ),
  one(
    'a core Service is no Knative Service',
    'apiVersion: v1\nkind: Service\nspec: {template: {spec: {image: a}}, ports: [{name: image}]}\n',
  ),
  one('no apiVersion', 'kind: Deployment\nspec: {template: {spec: {containers: [{image: «a:1»}]}}}\n'),
  one('no kind', 'spec: {template: {spec: {containers: [{image: «a:1»}]}}}\n'),
  one(
    'a Flux HelmRelease',
    'apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {values: {sidecar: {image: «a:1»}}}\n',
  ),
  one(
    'images that are not texts',
    pod('  containers: [{image: {a: b}}, {image: [a]}, {image: ""}, {image: }, {image: ~}]\n'),
  ),
];

const container = (image: string, after = '') =>
  pod(`  containers:\n    - name: a\n      image: ${image}${after}\n`);
const digest = `sha256:${'ab'.repeat(32)}`;

/** How a reference can be written. */
export const spellings: MarkedCase[] = [
  ...[
    'nginx',
    'nginx:1.27',
    'library/nginx:1.27',
    'docker.io/nginx',
    'docker.io/library/nginx:1.27',
    'index.docker.io/library/nginx',
    'ghcr.io/acme/shop:1.0',
    'localhost/app',
    'localhost:5000/app:1',
    'registry.example:5000/team/app:v1.2.3-rc.1_x',
    '127.0.0.1:5000/a/b/c:1',
    'REGISTRY.example/a:1',
    `nginx@${digest}`,
    `nginx:1.27@${digest}`,
    `ghcr.io/acme/shop:1.0@${digest}`,
    'a--b/c__d:1',
  ].map((image) => one(`the reference ${image}`, container(`«${image}»`))),
  one('double quotes', container('"«nginx:1.27»"')),
  one('single quotes', container("'«nginx:1.27»'")),
  one('an IPv6 registry in quotes', container('"«[::1]:5000/app:1»"')),
  one('a comment behind it', container('«nginx:1.27»', '   # renovate: image=nginx')),
  one('a comment behind quotes', container('"«nginx:1.27»"', ' # "nginx:1.27"')),
  one('an anchor', container('&img «nginx:1.27»')),
  one('a tag', container('!!str «nginx:1.27»')),
  one('tag and anchor with quotes', container('!!str &img "«nginx:1.27»"')),
  one('a literal block', container('|-\n        «nginx:1.27»')),
  one('a folded block', container('>-\n        «nginx:1.27»')),
  one(
    'a folded block with its line break, and a comment',
    container('> # nginx:1.27\n        «nginx:1.27»\n'),
  ),
  one('a block that keeps line breaks', container('|+2\n        «nginx:1.27»\n\n')),
  one('the next line', container('\n        «nginx:1.27»')),
  one('a key in quotes', pod('  "containers":\n    - "image": «a:1»\n')),
  one('an explicit key', pod('  containers:\n    - ? image\n      : «a:1»\n')),
  one('flow style', pod('  containers: [{name: a, image: «a:1», args: [x]}, {"image":"«b:1»"}]\n')),
  one(
    'flow style over lines',
    pod('  containers: [\n    {\n      image: «a:1»,\n      # b\n      name: a }\n  ]\n'),
  ),
  one('CRLF', container('«nginx:1.27»').replaceAll('\n', '\r\n')),
  one('CRLF with a block', container('>-\n        «nginx:1.27»').replaceAll('\n', '\r\n')),
  one('a byte order mark', `\uFEFF${container('«nginx:1.27»')}`),
  one('tabs where YAML allows them', container('\t«nginx:1.27»\t# a\tb')),
  one('other alphabets and emoji before it', `# 日本語 🐳\n${container('«nginx:1.27» # käse 🧀')}`),
  one('no line break at the end', container('«nginx:1.27»').trimEnd()),
  one('an escape in the key', pod('  containers:\n    - "\\x69mage": «a:1»\n')),
  one(
    'JSON',
    '{\n\t"apiVersion": "v1",\n\t"kind": "Pod",\n\t"spec": {"containers": [{"image": "«a:1»"}]}\n}\n',
  ),
  one(
    'compact JSON',
    '{"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"image":"«a:1»"},{"image":"«b:1»"}]}}',
  ),
  one('a variable', container('"${IMAGE}"'), ['variable ${IMAGE}']),
  one('a template in quotes', container('"{{ .Values.image }}"'), ['variable {{ .Values.image }}']),
  one('upper case', container('Nginx:1.27'), ['invalid Nginx:1.27']),
  one('spaces', container('" nginx:1.27 "'), ['invalid  nginx:1.27 ']),
  one('two lines', container('|\n        nginx:\n        1.27\n'), ['invalid nginx:\n1.27']),
  one(
    'one that is wrong among others',
    pod('  containers: [{image: «a:1»}, {image: "a b"}, {image: «c:1»}]\n'),
    ['invalid a b'],
  ),
];

/** Documents, anchors and aliases. */
export const streams: MarkedCase[] = [
  one(
    'several documents',
    `# first\n---\n${container('«a:1»')}---\n${container('«b:1»')}...\n---\n# nothing\n---\n${container('«c:1»')}`,
  ),
  one(
    'documents in one line with their separator',
    '--- {kind: Pod, spec: {containers: [{image: «a:1»}]}}\n--- \n',
  ),
  one(
    'directives',
    `%YAML 1.2\n---\n${container('«a:1»')}...\n%TAG ! tag:example.com,2000:\n---\n${container('«b:1»')}`,
  ),
  one(
    'a separator in a block is one',
    `kind: ConfigMap\ndata:\n  a: |\n    image: x\n    --- \n---\n${container('«a:1»')}`,
  ),
  one('an alias of an image', pod('  containers:\n    - image: &i «a:1»\n    - image: *i\n')),
  one('an alias of a container', pod('  containers:\n    - &c {image: «a:1»}\n    - *c\n')),
  one('an alias of a list', pod('  initContainers: &l\n    - image: «a:1»\n  containers: *l\n')),
  one(
    'a merge key',
    pod(
      '  initContainers:\n    - &c {image: «a:1»}\n  containers:\n    - <<: *c\n      name: b\n    - <<: [*c]\n      image: «b:1»\n',
    ),
  ),
  one(
    'an alias of a text with another meaning',
    pod('  containers:\n    - name: &n nginx\n      image: *n\n'),
    ['unclear nginx'],
  ),
  one(
    'an alias that leads nowhere else',
    'x-image: &i «a:1»\nkind: Pod\nspec: {containers: [{image: *i}, {image: *i}]}\n',
  ),
  one(
    'an anchor that is used again',
    pod('  containers: [{image: &i «a:1»}, {image: &i «b:1»}, {image: *i}]\n'),
  ),
  one(
    'a document that contains itself',
    pod('  containers: &c\n    - image: «a:1»\n      more: *c\n    - *c\n'),
  ),
];
