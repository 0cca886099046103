import { addressHelp } from '../shared/api-command.ts';

/** What `drayage rewrite --help` prints after its options. */
export const rewriteHelp = `${addressHelp}

References that have a copy in the mirror become the mirror’s, by digest: nginx:1.27 becomes
111122223333.dkr.ecr.eu-west-1.amazonaws.com/mirror/docker.io/library/nginx@sha256:…. Nothing else changes: comments, quotes,
anchors, separators, line ends and order stay as they are. References to the mirror itself stay, so a second run changes nothing.

What is read: Kubernetes objects (also Argo, Knative, Tekton and every list of containers), kustomization.yaml, Helm values,
Compose files, GitHub workflows, Dockerfiles. Names tell (Dockerfile*, compose.yaml, .github/workflows, values*.yaml), or else
the content, or --as. A template is not YAML yet: render it first. In folders, what is none of these is left alone.

Examples:
  In a pipe:
  $ helm template shop ./chart | drayage rewrite | kubectl apply -f -

  What would change, in a whole repository? And then change it:
  $ drayage rewrite . --diff
  $ drayage rewrite . --write

  In CI: are all images mirrored? Without API and token, from a file:
  $ drayage rewrite deploy/ --check
  $ drayage rewrite deploy/ --check --mapping mapping.json

  Mirror what is missing, and build from the mirror meanwhile where that is possible:
  $ drayage rewrite Dockerfile --missing enqueue | docker build -f - .

  As Helm’s post-renderer (Helm 3; Helm 4 takes a plugin, see docs/rewrite.md):
  $ helm upgrade --install shop ./chart --post-renderer drayage --post-renderer-args rewrite

--missing and unreadable files: keep (the default) says on standard error what is not mirrored, and exits with 0. fail
writes nothing. A document that is not YAML ends the command with its line and column, before anything is written.

Exit codes: 0 done, 1 failed, 2 usage, 3 not mirrored (--check, --missing fail). docs/rewrite.md has the details.`;
