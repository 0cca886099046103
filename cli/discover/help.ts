/** What `drayage discover --help` prints after its options. */
export const discoverHelp = `
The first command to run: from what your cluster runs to a mirror.yaml that covers it. The file goes to standard output, is
valid as it is printed, and says in comments how many pods use what, which webhooks you can enter, and what it leaves out.

What is read: the pods of a cluster, as kubectl prints them in JSON (also the nodes, for their platforms); manifests of every
kind that drayage rewrite knows: Kubernetes objects, kustomizations, Helm values, Compose files, GitHub workflows, Dockerfiles;
folders of them. Names and fields of pods other than their images stay on this machine, as everything does.

Versions become ranges: of nginx:1.27.3 and nginx:1.28.0-alpine, ">=1.27.3 <2" with and without -alpine. Images that come from the mirror
already stand under their upstream names. Texts that are no references are reported, and the rest is read all the same.

Examples:
  What would a mirror of this cluster hold?
  $ kubectl get pods -A -o json | drayage discover > mirror.yaml
  $ drayage validate

  With the platforms of its nodes, so that nothing else is copied:
  $ kubectl get pods,nodes -A -o json | drayage discover --region eu-central-1 > mirror.yaml
  $ drayage discover --context production > mirror.yaml          runs kubectl itself

  From what is to be deployed, before it runs:
  $ helm template shop ./chart | drayage discover
  $ drayage discover deploy/ compose.yaml Dockerfile

  Later: which images does no rule cover? In CI, 3 is the exit code if there are any:
  $ kubectl get pods -A -o json | drayage discover --check mirror.yaml
  And which are mirrored, but still come from the upstream?
  $ kubectl get pods -A -o json | drayage discover --check mirror.yaml --api "$API"
  $ kubectl get pods -A -o json | drayage discover --check mirror.yaml --mapping mapping.json --json | jq .mirror.fromUpstream

--check needs only the file. With --api and --token (or DRAYAGE_API and DRAYAGE_TOKEN), or with --mapping, it also reports covered
images that are not mirrored yet (exit code 3, too), and mirrored ones that pods name by their upstream (exit code 0).
--region, or AWS_REGION, or else the region of the nodes becomes the mirror’s.

Exit codes: 0 done, 1 failed, 2 usage, 3 not covered or not mirrored (--check). docs/clusters.md says how clusters then use the mirror.`;
