/** What `drayage discover --help` prints after its options. */
export const discoverHelp = `
The first command to run: it writes a mirror.yaml that covers what your cluster runs, to standard output. The file is valid as it
is printed. Its comments say how many pods use each image, which webhooks you can register, and what is left out.

What is read: the pods of a cluster, as kubectl prints them in JSON, and its nodes, for their platforms; files of every kind
that drayage rewrite knows: Kubernetes objects, kustomizations, Helm values, Compose files, GitHub workflows, Dockerfiles;
and folders of them. Nothing leaves this machine.

Versions become ranges: nginx:1.27.3 and nginx:1.28.0-alpine become ">=1.27.3 <2", with and without -alpine. Images that
already come from the mirror are listed by their upstream names. Text that is not a reference is reported; the rest is read.

Examples:
  Write a mirror.yaml for this cluster:
  $ kubectl get pods -A -o json | drayage discover > mirror.yaml
  $ drayage validate

  Mirror only the platforms of its nodes:
  $ kubectl get pods,nodes -A -o json | drayage discover --region eu-central-1 > mirror.yaml
  $ drayage discover --context production > mirror.yaml          runs kubectl itself

  From what is to be deployed, before it runs:
  $ helm template shop ./chart | drayage discover
  $ drayage discover deploy/ compose.yaml Dockerfile

  Later: which images does no rule cover? The exit code is 3 if there are any:
  $ kubectl get pods -A -o json | drayage discover --check mirror.yaml
  And which are mirrored, but still come from the upstream?
  $ kubectl get pods -A -o json | drayage discover --check mirror.yaml --api "$API"
  $ kubectl get pods -A -o json | drayage discover --check mirror.yaml --mapping mapping.json --json | jq .mirror.fromUpstream

--check needs only the file. With --api and --token (or DRAYAGE_API and DRAYAGE_TOKEN), or with --mapping, it also reports covered
images that are not mirrored yet (exit code 3, too), and mirrored ones that pods name by their upstream (exit code 0).
The mirror’s region is --region, or AWS_REGION, or else the region of the nodes.

Exit codes: 0 done, 1 failed, 2 usage, 3 not covered or not mirrored (--check). docs/clusters.md says how a cluster then uses the mirror.`;
