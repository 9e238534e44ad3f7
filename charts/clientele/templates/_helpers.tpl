{{- /* Beginning of all names. Not that of the release: the documents, and the operator's
servers, count on it. */ -}}
{{- define "clientele.fullname" -}}
{{- .Values.fullnameOverride | default "clientele" | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "clientele.operator" -}}
{{- include "clientele.fullname" . }}-operator
{{- end }}

{{- define "clientele.serviceAccount" -}}
{{- .Values.operator.serviceAccount.name | default (include "clientele.operator" .) }}
{{- end }}

{{- define "clientele.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "clientele.labels" -}}
{{- with .Values.commonLabels }}
{{- toYaml . }}
{{ end -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: clientele
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: clientele
{{- end }}

{{- /* What selects the operator's Pods: immutable. */ -}}
{{- define "clientele.operatorSelector" -}}
app.kubernetes.io/name: clientele
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{- /* Annotations of what outlives the release, also where Argo CD installs it. */ -}}
{{- define "clientele.keep" -}}
helm.sh/resource-policy: keep
argocd.argoproj.io/sync-options: Prune=false
{{- end }}

{{- /* The namespaces in which an AuthorizationServer counts, as YAML list. */ -}}
{{- define "clientele.serverNamespaces" -}}
{{- .Values.serverNamespaces | default (list .Release.Namespace) | uniq | toYaml }}
{{- end }}

{{- /* The namespaces that the operator watches, in scope Namespaces. */ -}}
{{- define "clientele.watchedNamespaces" -}}
{{- concat (include "clientele.serverNamespaces" . | fromYamlArray) .Values.rbac.namespaces | uniq | toYaml }}
{{- end }}

{{- define "clientele.defaultNamespace" -}}
{{- include "clientele.serverNamespaces" . | fromYamlArray | first }}
{{- end }}

{{- /* What Pod Security "restricted" asks of a Pod, and of a container. */ -}}
{{- define "clientele.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "clientele.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* The operator's rules, as the markers in its code have them. The ClusterRole that
controller-gen writes holds what it needs in every namespace that it serves, the Role what
it needs where servers are. */ -}}
{{- define "clientele.rules" -}}
{{- $rules := dict }}
{{- range regexSplit "(?m)^---\\s*$" (.Files.Get "files/rbac/operator_role.yaml") -1 }}
{{- $doc := fromYaml . }}
{{- if $doc.kind }}
{{- $_ := set $rules $doc.kind (concat (index $rules $doc.kind | default list) $doc.rules) }}
{{- end }}
{{- end }}
{{- toYaml $rules }}
{{- end }}

{{- /* Of rules, what is about resources that match: {rules, match, not}. */ -}}
{{- define "clientele.rulesAbout" -}}
{{- $out := list }}
{{- $match := .match }}
{{- $unless := .unless | default "^$" }}
{{- range .rules }}
{{- $resources := list }}
{{- range .resources }}
{{- if and (regexMatch $match .) (not (regexMatch $unless .)) }}
{{- $resources = append $resources . }}
{{- end }}
{{- end }}
{{- if $resources }}
{{- $out = append $out (set (deepCopy .) "resources" $resources) }}
{{- end }}
{{- end }}
{{- toYaml $out }}
{{- end }}

{{- /* The objects that the bootstrap Job applies, as YAML documents; empty if none. */ -}}
{{- define "clientele.objects" -}}
{{- if .Values.authorizationServer.create }}
{{- $as := .Values.authorizationServer }}
{{- $namespace := include "clientele.defaultNamespace" . }}
{{- $issuer := $as.issuer | default (printf "https://clientele-%s.%s.svc" $as.name $namespace) }}
{{- $spec := mergeOverwrite (dict "type" "Managed") (deepCopy $as.spec) (dict "issuer" $issuer) }}
apiVersion: oauth.clientele.dev/v1alpha1
kind: AuthorizationServer
metadata:
  name: {{ $as.name }}
  namespace: {{ $namespace }}
  {{- with .Values.commonLabels }}
  labels: {{- toYaml . | nindent 4 }}
  {{- end }}
spec: {{- toYaml $spec | nindent 2 }}
{{- with .Values.namespaceAccess }}
---
apiVersion: oauth.clientele.dev/v1alpha1
kind: NamespaceAccess
metadata:
  name: {{ $as.name }}
  namespace: {{ $namespace }}
  {{- with $.Values.commonLabels }}
  labels: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serverRef:
    name: {{ $as.name }}
  namespaces:
    from: All
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Where the Pods of the chart's Jobs run: where the operator's do. */ -}}
{{- define "clientele.jobPod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.operator.pod.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.operator.pod.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.operator.pod.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
enableServiceLinks: false
{{- end }}
