{{- define "drayage.hasPolicy" -}}
{{- if ne .Values.mode "webhook" }}yes{{ end -}}
{{- end -}}

{{- define "drayage.hasWebhook" -}}
{{- if ne .Values.mode "policy" }}yes{{ end -}}
{{- end -}}

{{/* Which namespaces: as drayage export prints it. */}}
{{- define "drayage.namespaceSelector" -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values: {{ concat (list "kube-system") .Values.rewrite.excludedNamespaces | toJson }}
  {{- with .Values.rewrite.namespaces }}
  - key: kubernetes.io/metadata.name
    operator: In
    values: {{ toJson . }}
  {{- end }}
  - key: drayage.dev/rewrite
    {{- if .Values.rewrite.optIn }}
    operator: In
    values: [enabled]
    {{- else }}
    operator: NotIn
    values: [disabled]
    {{- end }}
{{- end -}}

{{/* Where the token is, for an environment variable. */}}
{{- define "drayage.tokenRef" -}}
secretKeyRef: {name: {{ .Values.token.existingSecret }}, key: {{ .Values.token.key | quote }}}
{{- end -}}

{{/* Says so before objects are refused that the cluster does not know. */}}
{{- define "drayage.checkVersion" -}}
{{- if semverCompare "<1.36.0-0" .Capabilities.KubeVersion.Version -}}
{{- fail (printf "mode %s needs Kubernetes 1.36 or later, and this is %s: use mode webhook (helm template takes --kube-version)" .Values.mode .Capabilities.KubeVersion.Version) -}}
{{- end -}}
{{- end -}}

{{/* The objects of files/policy.yaml, with these values. */}}
{{- define "drayage.policyObjects" -}}
{{- $hosts := list -}}
{{- range $registry, $place := .Values.policy.fallback -}}
{{- $hosts = append $hosts (printf "'%s': '%s'" $registry $place) -}}
{{- end -}}
{{- $objects := .Files.Get "files/policy.yaml" | fromYaml -}}
{{- $rewrite := ternary $objects.rewriteWithFallback $objects.rewrite (gt (len $hosts) 0) -}}
{{- range $rewrite.spec.variables -}}
{{- $_ := set . "expression" (.expression | replace "@mirror@" $.Values.policy.mirror | replace "'@registry@': '@place@'" (join ",\n" $hosts)) -}}
{{- end -}}
{{- $selector := include "drayage.namespaceSelector" . | fromYaml -}}
{{- range list $rewrite $objects.keep -}}
{{- $_ := set .spec.matchConstraints "namespaceSelector" $selector -}}
{{- end -}}
{{- $policies := list $objects.definition $rewrite $objects.binding -}}
{{- if .Values.policy.keep -}}
{{- $policies = concat $policies (list $objects.keep $objects.keepBinding) -}}
{{- end -}}
{{- dict "policies" $policies "sync" (include "drayage.syncObjects" . | fromYaml).sync | toYaml -}}
{{- end -}}

{{/* The CronJob with these values, and what belongs to it. */}}
{{- define "drayage.syncObjects" -}}
{{- $objects := .Files.Get "files/policy.yaml" | fromYaml -}}
{{- range list $objects.serviceAccount $objects.cronJob -}}
{{- $_ := set .metadata "namespace" $.Release.Namespace -}}
{{- end -}}
{{- range $objects.clusterRoleBinding.subjects -}}
{{- $_ := set . "namespace" $.Release.Namespace -}}
{{- end -}}
{{- $sync := .Values.policy.sync -}}
{{- $_ := set $objects.cronJob.spec "schedule" $sync.schedule -}}
{{- $pod := $objects.cronJob.spec.jobTemplate.spec.template.spec -}}
{{- range $key := list "nodeSelector" "tolerations" "imagePullSecrets" -}}
{{- with get $sync $key }}{{ $_ := set $pod $key . }}{{ end -}}
{{- end -}}
{{- $container := first $pod.containers -}}
{{- $_ := set $container "image" $sync.image -}}
{{- with $sync.resources }}{{ $_ := set $container "resources" . }}{{ end -}}
{{- $query := "" -}}
{{- with .Values.region }}{{ $query = printf "?region=%s" . }}{{ end -}}
{{- range $container.env -}}
{{- if eq .name "DRAYAGE_TOKEN" }}{{ $_ := set . "valueFrom" (include "drayage.tokenRef" $ | fromYaml) }}{{ end -}}
{{- if eq .name "DRAYAGE_EXPORT" }}{{ $_ := set . "value" (printf "%s%s" (.value | replace "@api@" $.Values.api) $query) }}{{ end -}}
{{- end -}}
{{- dict "sync" (list $objects.serviceAccount $objects.clusterRole $objects.clusterRoleBinding $objects.cronJob) | toYaml -}}
{{- end -}}

{{- define "drayage.webhookLabels" -}}
app.kubernetes.io/name: drayage-admission
app.kubernetes.io/part-of: drayage
{{- end -}}

{{- define "drayage.webhookImage" -}}
{{- $image := .Values.webhook.image -}}
{{- $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{ with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "drayage.webhookArgs" -}}
- admission
- --listen=0.0.0.0:8443
- --tls-cert=/tls/tls.crt
- --tls-key=/tls/tls.key
- --api={{ .Values.api }}
- --data=/data
- --refresh={{ .Values.webhook.refresh }}
- --missing={{ .Values.webhook.missing }}
{{- with .Values.region }}
- --region={{ . }}
{{- end }}
{{- if .Values.webhook.tags }}
- --tags
{{- end }}
{{- end -}}

{{/* Names, and then the API and the apiserver. */}}
{{- define "drayage.egress" -}}
- ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
- ports:
    {{- range .Values.networkPolicy.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  to:
    {{- range .Values.networkPolicy.apiCidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
{{- end -}}
