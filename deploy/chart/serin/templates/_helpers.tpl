{{- define "serin.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The name of the objects; room is left for what is put behind it. */ -}}
{{- define "serin.fullname" -}}
{{- $name := include "serin.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* What selects the pods of a part. */ -}}
{{- define "serin.selector" -}}
app.kubernetes.io/name: {{ include "serin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: server
{{- end -}}

{{- define "serin.envoySelector" -}}
app.kubernetes.io/name: {{ include "serin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: envoy
{{- end -}}

{{- define "serin.labels" -}}
app.kubernetes.io/name: {{ include "serin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: serin
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "serin.crdAnnotations" -}}
{{- if .Values.crds.keep -}}
helm.sh/resource-policy: keep
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- define "serin.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "serin.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- /* The reference to an image; a digest goes before a tag. */ -}}
{{- define "serin.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ default .default .image.tag }}
{{- end -}}
{{- end -}}

{{- define "serin.secure" -}}
{{- if ne .Values.tls.source "none" }}true{{ end -}}
{{- end -}}

{{- define "serin.webhook" -}}
{{- if and .Values.webhook.enabled (include "serin.secure" .) }}true{{ end -}}
{{- end -}}

{{- define "serin.serverSecret" -}}
{{- if eq .Values.tls.source "secret" -}}
{{- required "tls.source secret needs tls.serverSecret" .Values.tls.serverSecret -}}
{{- else -}}
{{- include "serin.fullname" . }}-server-tls
{{- end -}}
{{- end -}}

{{- define "serin.envoySecret" -}}
{{- if eq .Values.tls.source "secret" -}}
{{- required "tls.source secret needs tls.envoySecret for the Envoys of the chart" .Values.tls.envoySecret -}}
{{- else -}}
{{- include "serin.fullname" . }}-envoy-tls
{{- end -}}
{{- end -}}

{{- define "serin.tokenSecret" -}}
{{- if .Values.http.tokens.existingSecret -}}
{{- .Values.http.tokens.existingSecret -}}
{{- else if .Values.http.tokens.create -}}
{{- include "serin.fullname" . }}-tokens
{{- end -}}
{{- end -}}

{{- /* The host that Envoys connect to. */ -}}
{{- define "serin.xdsHost" -}}
{{ include "serin.fullname" . }}-xds.{{ .Release.Namespace }}.svc
{{- end -}}

{{- /* The names that the server's certificate is good for, as a JSON list. */ -}}
{{- define "serin.serverNames" -}}
{{- $names := list -}}
{{- range $part := list "xds" "webhook" -}}
{{- $short := printf "%s-%s.%s" (include "serin.fullname" $) $part $.Release.Namespace -}}
{{- $names = concat $names (list $short (printf "%s.svc" $short) (printf "%s.svc.cluster.local" $short)) -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{- /*
Generated certificates: what the cluster has of an earlier time, or new ones. They
are made once a rendering and noted in .Values.pki, for several templates use them.
*/ -}}
{{- define "serin.pki" -}}
{{- if not (hasKey .Values "pki") -}}
{{- $server := lookup "v1" "Secret" .Release.Namespace (include "serin.serverSecret" .) -}}
{{- $envoy := lookup "v1" "Secret" .Release.Namespace (include "serin.envoySecret" .) -}}
{{- if and $server $envoy -}}
{{- $_ := set .Values "pki" (dict "server" $server.data "envoy" $envoy.data) -}}
{{- else -}}
{{- $days := int .Values.tls.validityDays -}}
{{- $ca := genCA (printf "%s-ca" (include "serin.fullname" .)) $days -}}
{{- $names := include "serin.serverNames" . | fromJsonArray -}}
{{- $s := genSignedCert (include "serin.xdsHost" .) (list) $names $days $ca -}}
{{- $e := genSignedCert (printf "%s-envoy" (include "serin.fullname" .)) (list) (list (printf "%s-envoy" (include "serin.fullname" .))) $days $ca -}}
{{- $_ := set .Values "pki" (dict
  "server" (dict "tls.crt" (b64enc $s.Cert) "tls.key" (b64enc $s.Key) "ca.crt" (b64enc $ca.Cert))
  "envoy" (dict "tls.crt" (b64enc $e.Cert) "tls.key" (b64enc $e.Key) "ca.crt" (b64enc $ca.Cert))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* What keeps pods of a part apart from each other; its argument is their labels. */ -}}
{{- define "serin.apart" -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 100
      podAffinityTerm:
        topologyKey: kubernetes.io/hostname
        labelSelector:
          matchLabels: {{- . | nindent 12 }}
{{- end -}}

{{- /* What every container of the chart is denied. */ -}}
{{- define "serin.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}
