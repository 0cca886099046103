import { addressHelp } from '../shared/api-command.ts';

/** What `drayage admission --help` prints after its options. */
export const admissionHelp = `${addressHelp}

Serves POST /v1/admission for a MutatingWebhookConfiguration and POST /v1/gatekeeper for Gatekeeper, from a copy of the mapping.
It fetches the mapping every --refresh and keeps it in --data. While the API is unavailable, it keeps using its copy, and can
start with it. drayage export admission-webhook --in-cluster prints the manifests that run it in a cluster.

GET /healthz returns 200 while it runs. GET /readyz returns 200 once there is a mapping, and 503 after SIGTERM. The server
then keeps answering for --drain, so that traffic has moved elsewhere when it ends. The log is JSON lines on standard error.
The first line on standard output is JSON with its address: {"url":"https://127.0.0.1:8443"}.

It reads certificate and key again when their files change. Without them it serves plain HTTP, which no apiserver accepts.

Examples:
  $ drayage admission --listen :8443 --tls-cert tls.crt --tls-key tls.key --data /var/lib/drayage
  $ drayage admission --listen 127.0.0.1:8080 --mapping mapping.json --missing warn

Exit codes: 0 stopped by a signal, 1 failed, 2 usage.`;
