import { addressHelp } from '../../shared/api-command.ts';

/** What `drayage export admission-webhook --help` prints after its options. */
export const admissionWebhookHelp = `${addressHelp}

Prints a MutatingWebhookConfiguration: pods that are created name the mirror's images, by digest, and running pods get only
their new ephemeral containers rewritten. For clusters before Kubernetes 1.36; later ones need no webhook (admission-policy).

Without --in-cluster, the apiserver asks the API itself. The address holds a secret, which the API tells only to the operator.
While AWS is out of reach, pods start with the upstream's images.

With --in-cluster, a server in the cluster answers (drayage admission), from a copy of the mapping that it keeps. It needs the
image of this command (npm run image), a Secret drayage with the key token, and a certificate: from cert-manager, or the
Secret drayage-admission-tls, whose authority --ca-bundle names.

Which pods: all but those in kube-system, in the namespaces of --exclude-namespace, and in namespaces or with pods that have the
label drayage.dev/rewrite: disabled. With --opt-in only namespaces that have drayage.dev/rewrite: enabled.

Examples:
  $ drayage export admission-webhook | kubectl apply -f -
  $ drayage export admission-webhook --missing warn --exclude-namespace istio-system -o webhook.yaml
  $ drayage export admission-webhook --in-cluster --image registry.example/drayage:1.0 --cert-manager
  $ drayage export admission-webhook --in-cluster --image registry.example/drayage:1.0 --ca-bundle ca.crt

Exit codes: 0 done, 1 failed, 2 usage. docs/admission-webhook.md has the details.`;
