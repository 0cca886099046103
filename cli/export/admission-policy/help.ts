import { addressHelp } from '../../shared/api-command.ts';

/** What `drayage export admission-policy --help` prints after its options. */
export const admissionPolicyHelp = `${addressHelp}

Prints a MutatingAdmissionPolicy, which the apiserver itself runs (Kubernetes 1.36 and later): new pods name the mirror's
images, by digest. A CronJob fetches the mapping from the API and stores it in the cluster; nothing else runs there.
--literals prints a policy with the mapping in it, for GitOps: print it again when the mapping has changed.

The policy contains the mirror's registry and prefix, and can send pods nowhere else. They come from --mirror, or from the
mappings themselves. The CronJob calls the API at the address in --api, so the cluster must be able to reach it.

Which pods: all except those in kube-system and in the namespaces of --exclude-namespace, and those whose namespace or own labels
say drayage.dev/rewrite: disabled. With --opt-in, only pods in namespaces with the label drayage.dev/rewrite: enabled.

Examples:
  $ drayage export admission-policy | kubectl apply --server-side -f -
  $ kubectl -n drayage create secret generic drayage --from-literal=token=$DRAYAGE_TOKEN
  $ kubectl -n drayage create job first-sync --from=cronjob/drayage-sync

  For a cluster in another region: fetch every minute, and leave one namespace alone:
  $ drayage export admission-policy --region eu-central-1 --schedule '* * * * *' --exclude-namespace istio-system

  For GitOps, from a file:
  $ drayage export admission-policy --literals --mapping mapping.json -o policy.yaml

  Pull what is not mirrored through a pull-through cache, by its tag:
  $ drayage export admission-policy --fallback docker.io=111122223333.dkr.ecr.eu-west-1.amazonaws.com/docker-hub

Exit codes: 0 done, 1 failed, 2 usage. docs/admission-policy.md has the details, and what the policy can't do.`;
