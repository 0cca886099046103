import { addressHelp } from '../../shared/api-command.ts';

/** What `drayage export admission-policy --help` prints after its options. */
export const admissionPolicyHelp = `${addressHelp}

Prints a MutatingAdmissionPolicy, which the apiserver runs itself (Kubernetes 1.36 and later): pods that are created name the
mirror's images, by digest. A CronJob fetches the mapping from the API and puts it into the cluster; nothing else runs there.
--literals prints a policy with the mapping in it, for GitOps: print it again when the mapping has changed.

The policy has a constant in it: the mirror's registry and prefix, the only place where it may send pods. It is what --mirror
says, or what the mappings of the API or of --mapping begin with. The CronJob asks the API at the address of --api.

Which pods: all but those in kube-system, in the namespaces of --exclude-namespace, and in namespaces or with pods that have the
label drayage.dev/rewrite: disabled. With --opt-in only namespaces that have drayage.dev/rewrite: enabled.

Examples:
  $ drayage export admission-policy | kubectl apply --server-side -f -
  $ kubectl -n drayage create secret generic drayage --from-literal=token=$DRAYAGE_TOKEN
  $ kubectl -n drayage create job first-sync --from=cronjob/drayage-sync

  For a cluster in another region, every minute, without namespaces of others:
  $ drayage export admission-policy --region eu-central-1 --schedule '* * * * *' --exclude-namespace istio-system

  For GitOps, from a file:
  $ drayage export admission-policy --literals --mapping mapping.json -o policy.yaml

  What is not mirrored comes from a pull-through cache, by its tag:
  $ drayage export admission-policy --fallback docker.io=111122223333.dkr.ecr.eu-west-1.amazonaws.com/docker-hub

Exit codes: 0 done, 1 failed, 2 usage. docs/admission-policy.md has the details, and what the policy can't do.`;
