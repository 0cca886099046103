import { addressHelp } from '../shared/api-command.ts';

/** What `drayage rewrite --help` prints after its options. */
export const rewriteHelp = `${addressHelp}

References to images that are mirrored become the mirror’s, by digest: nginx:1.27 becomes
111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/docker.io/library/nginx@sha256:…. Nothing else changes: comments, quotes,
anchors, separators, line ends and order stay as they are. References to the mirror itself stay, so a second run changes nothing.

What is read: Kubernetes objects (also Argo, Knative, Tekton and every list of containers), kustomization.yaml, Helm values,
Compose files, GitHub workflows, Dockerfiles. The kind is told by --as, by the name (Dockerfile*, compose.yaml,
.github/workflows, values*.yaml) or by the content. Render templates first: they are not YAML yet. Other files in folders stay.

Examples:
  In a pipe:
  $ helm template shop ./chart | drayage rewrite | kubectl apply -f -

  What would change, in a whole repository? And then change it:
  $ drayage rewrite . --diff
  $ drayage rewrite . --write

  In CI: are all images mirrored? Without API and token, from a file:
  $ drayage rewrite deploy/ --check
  $ drayage rewrite deploy/ --check --mapping mapping.json

  Mirror what is missing; until then, build with what is already mirrored:
  $ drayage rewrite Dockerfile --missing enqueue | docker build -f - .

  As Helm’s post-renderer (Helm 3; Helm 4 takes a plugin, see docs/rewrite.md):
  $ helm upgrade --install shop ./chart --post-renderer drayage --post-renderer-args rewrite

--missing keep (the default) lists on standard error what is not mirrored, and exits with 0. --missing fail writes nothing.
If a document is not YAML, the command fails with its line and column before it writes anything.

Exit codes: 0 done, 1 failed, 2 usage, 3 not mirrored (--check, --missing fail). docs/rewrite.md has the details.`;
