import { addressHelp } from '../shared/api-command.ts';

/** What `drayage admission --help` prints after its options. */
export const admissionHelp = `${addressHelp}

Serves POST /v1/admission for a MutatingWebhookConfiguration and POST /v1/gatekeeper for Gatekeeper, from a copy of the mapping
that it fetches every --refresh and keeps below --data. It goes on with its copy while the API is out of reach, and then
starts with what it kept. drayage export admission-webhook --in-cluster prints the manifests that run it in a cluster.

GET /healthz is 200 while it runs; GET /readyz is 200 once there is a mapping, and 503 from SIGTERM on: it then answers for
another --drain, so that nobody is sent here any more when it ends. The log is JSON lines on standard error. The first line
on standard output is JSON with its address: {"url":"https://127.0.0.1:8443"}.

Certificate and key are read again when their files change. Without them it speaks plain HTTP, which no apiserver accepts.

Examples:
  $ drayage admission --listen :8443 --tls-cert tls.crt --tls-key tls.key --data /var/lib/drayage
  $ drayage admission --listen 127.0.0.1:8080 --mapping mapping.json --missing warn

Exit codes: 0 told to end, 1 failed, 2 usage.`;
