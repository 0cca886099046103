import { addressHelp } from '../../shared/api-command.ts';

/** What `drayage export admission-webhook --help` prints after its options. */
export const admissionWebhookHelp = `${addressHelp}

Prints a MutatingWebhookConfiguration: new pods name the mirror's images, by digest. In running pods, only new ephemeral
containers are rewritten. For clusters before Kubernetes 1.36; later ones need no webhook (see admission-policy).

Without --in-cluster, the apiserver calls Drayage's API. The address contains a secret, which the API shows only to the
operator. While AWS is unavailable, pods start with the upstream's images.

With --in-cluster, the apiserver calls a server in the cluster (drayage admission), which keeps a copy of the mapping. It needs
the image of this command, a Secret drayage with the reader's token in the key token, and a certificate: from cert-manager, or
in the Secret drayage-admission-tls. In that case --ca-bundle is the authority that signed it.

Which pods: all except those in kube-system and in the namespaces of --exclude-namespace, and those whose namespace or own labels
say drayage.dev/rewrite: disabled. With --opt-in, only pods in namespaces with the label drayage.dev/rewrite: enabled.

Examples:
  $ drayage export admission-webhook | kubectl apply -f -
  $ drayage export admission-webhook --missing warn --exclude-namespace istio-system -o webhook.yaml
  $ drayage export admission-webhook --in-cluster --image registry.example/drayage:1.0 --cert-manager
  $ drayage export admission-webhook --in-cluster --image registry.example/drayage:1.0 --ca-bundle ca.crt

Exit codes: 0 done, 1 failed, 2 usage. docs/admission-webhook.md has the details.`;
