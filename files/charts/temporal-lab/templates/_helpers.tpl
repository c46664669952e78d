{{- /* SPDX-License-Identifier: GPL-3.0-or-later */ -}}

{{- /* Labels that choose pods. Takes root, name, component. */ -}}
{{- define "temporal-lab.selector" -}}
app.kubernetes.io/name: {{ .name | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end -}}

{{- /* Labels of an object. Takes root, name, component. */ -}}
{{- define "temporal-lab.labels" -}}
{{ include "temporal-lab.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- end -}}

{{- /* What every pod has in common. Takes root, uid. */ -}}
{{- define "temporal-lab.pod" -}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ int .uid }}
  runAsGroup: {{ int .uid }}
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
{{- end -}}

{{- /* What every container has in common. Takes root, image (repository:tag). */ -}}
{{- define "temporal-lab.container" -}}
image: {{ .image | quote }}
imagePullPolicy: {{ .root.Values.imagePullPolicy | quote }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- /* Small containers that prepare something and end. */ -}}
{{- define "temporal-lab.smallResources" -}}
requests: {cpu: 10m, memory: 32Mi}
limits: {memory: 256Mi}
{{- end -}}

{{- define "temporal-lab.serverImage" -}}
{{ .Values.server.image.repository }}:{{ .Values.server.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "temporal-lab.schemaImage" -}}
{{- if .Values.schema.image.repository -}}
{{ .Values.schema.image.repository }}:{{ .Values.schema.image.tag | default .Chart.AppVersion }}
{{- else -}}
{{ include "temporal-lab.serverImage" . }}
{{- end -}}
{{- end -}}

{{- define "temporal-lab.postgresqlImage" -}}
{{ .Values.postgresql.image.repository }}:{{ .Values.postgresql.image.tag }}
{{- end -}}

{{- define "temporal-lab.postgresqlSecret" -}}
{{ .Values.postgresql.auth.existingSecret | default (printf "%s-postgresql" .Release.Name) }}
{{- end -}}

{{- /* A source for an environment variable: the database's password. */ -}}
{{- define "temporal-lab.passwordSource" -}}
secretKeyRef: {name: {{ include "temporal-lab.postgresqlSecret" . | quote }}, key: password}
{{- end -}}

{{- /* Where psql finds the database, and as whom. */ -}}
{{- define "temporal-lab.psqlEnv" -}}
- {name: PGHOST, value: {{ printf "%s-postgresql" .Release.Name | quote }}}
- {name: PGUSER, value: postgres}
- name: PGPASSWORD
  valueFrom:
    {{- include "temporal-lab.passwordSource" . | nindent 4 }}
{{- end -}}

{{- /* An init container that waits for PostgreSQL, or for the schemas. Takes root, name, args. */ -}}
{{- define "temporal-lab.waitContainer" -}}
{{- $container := include "temporal-lab.container" (dict "root" .root "image" (include "temporal-lab.postgresqlImage" .root)) | fromYaml -}}
{{- /* psql wants a user that the image's passwd file names. */ -}}
{{- $_ := set $container.securityContext "runAsUser" 999 -}}
{{- $_ := set $container.securityContext "runAsGroup" 999 -}}
name: {{ .name | quote }}
{{ toYaml $container }}
command: {{ concat (list "sh" "/scripts/wait-for-postgresql.sh") .args | toJson }}
env:
  {{- include "temporal-lab.psqlEnv" .root | nindent 2 }}
volumeMounts:
  - {name: scripts, mountPath: /scripts, readOnly: true}
resources:
  {{- include "temporal-lab.smallResources" .root | nindent 2 }}
{{- end -}}

{{- define "temporal-lab.scriptsVolume" -}}
name: scripts
configMap: {name: {{ printf "%s-postgresql" .Release.Name | quote }}}
{{- end -}}

{{- /*
A key of a Secret, base64: the value given, else what the cluster holds, else a new random one.
Takes root, secret, key, value.
*/ -}}
{{- define "temporal-lab.secretData" -}}
{{- $held := lookup "v1" "Secret" .root.Release.Namespace .secret -}}
{{- if .value -}}
{{ .value | b64enc }}
{{- else if dig "data" .key "" ($held | default dict) -}}
{{ index $held.data .key }}
{{- else -}}
{{ randAlphaNum 32 | b64enc }}
{{- end -}}
{{- end -}}
