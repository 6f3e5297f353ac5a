{{- define "postcheck.name" -}}
{{- .Values.nameOverride | default .Chart.Name -}}
{{- end -}}

{{/* Name of everything in the release; room is left for suffixes. */}}
{{- define "postcheck.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains (include "postcheck.name" .) .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "postcheck.name" .) | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "postcheck.selectorLabels" -}}
app.kubernetes.io/name: {{ include "postcheck.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* The selector's labels alone stand on the operator's pods; hook pods must not look like them. */}}
{{- define "postcheck.operatorLabels" -}}
{{ include "postcheck.selectorLabels" . }}
app.kubernetes.io/component: operator
{{- end -}}

{{/* By this the command line tool finds the operator's pods and its account, however the release names things. */}}
{{- define "postcheck.ownLabel" -}}
postcheck.dev/operator: "true"
{{- end -}}

{{- define "postcheck.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "postcheck.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "postcheck.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "postcheck.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "postcheck.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* What puts the gate on new pods: Policy, Webhook, or nothing where it is not wanted or cannot be had. */}}
{{- define "postcheck.gateCarrier" -}}
{{- $policy := include "postcheck.gatePolicyVersion" . -}}
{{- if $policy -}}
Policy
{{- else if has .Values.gate.carrier (list "Auto" "Webhook") -}}
Webhook
{{- end -}}
{{- end -}}

{{/* Version of MutatingAdmissionPolicy, when the gate policy is wanted and the cluster serves one: stable from Kubernetes 1.36 on, beta where it was switched on in 1.34 and 1.35. */}}
{{- define "postcheck.gatePolicyVersion" -}}
{{- if has .Values.gate.carrier (list "Auto" "Policy") -}}
{{- if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
v1
{{- else if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1beta1/MutatingAdmissionPolicy" -}}
v1beta1
{{- end -}}
{{- end -}}
{{- end -}}

{{/* "true" when the author policy is wanted and the cluster can run it. By version, so that `helm template` leaves no protection out. */}}
{{- define "postcheck.hasAuthorPolicy" -}}
{{- if and .Values.authorPolicy.create (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) -}}
true
{{- end -}}
{{- end -}}

{{/* Account of the Job that runs before an uninstall: one of its own, where this chart may make it. */}}
{{- define "postcheck.uninstallAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- include "postcheck.fullname" . }}-uninstall
{{- else -}}
{{- include "postcheck.serviceAccountName" . -}}
{{- end -}}
{{- end -}}

{{/* Where and how pods of this chart may run. */}}
{{- define "postcheck.scheduling" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
dnsPolicy: {{ .Values.dnsPolicy }}
{{- with .Values.dnsConfig }}
dnsConfig: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
