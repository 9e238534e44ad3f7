package helm

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"clientele.dev/clientele/hack/internal/manifests"
)

// clusterWide are the kinds of the chart that have no namespace.
var clusterWide = []string{
	"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition",
	"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
}

func TestEveryObjectIsThereOnceAndHasItsNamespaceAndLabels(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, r *release) {
		seen := map[string]bool{}
		common, _, _ := unstructured.NestedStringMap(r.values, "commonLabels")
		for _, o := range slices.Concat(r.all(), r.bootstrapped(t)) {
			id := manifests.Describe(o)
			if seen[id] {
				t.Errorf("%s is there twice", id)
			}
			seen[id] = true
			if cluster := slices.Contains(clusterWide, o.GetKind()); cluster != (o.GetNamespace() == "") {
				t.Errorf("%s has namespace %q", id, o.GetNamespace())
			}
			for key, value := range common {
				if o.GetLabels()[key] != value {
					t.Errorf("%s lacks the label %s=%s", id, key, value)
				}
			}
		}
		for _, o := range r.all() {
			labels := o.GetLabels()
			for _, key := range []string{"helm.sh/chart", "app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by"} {
				if labels[key] == "" {
					t.Errorf("%s lacks the label %s", manifests.Describe(o), key)
				}
			}
		}
	})
}

// Names of a second release are its own, or it could not be installed.
func TestASecondReleaseHasNamesOfItsOwn(t *testing.T) {
	first := map[string]bool{}
	for _, o := range rendered(t, "default").all() {
		first[manifests.Describe(o)] = true
	}
	for _, o := range rendered(t, "second").all() {
		if o.GetNamespace() == "" && first[manifests.Describe(o)] {
			t.Errorf("both have %s", manifests.Describe(o))
		}
	}
}

// pods are the Pods that a release makes, by the object that makes them.
func (r *release) pods(t *testing.T) map[string]*corev1.Pod {
	t.Helper()
	pods := map[string]*corev1.Pod{}
	for _, o := range r.all() {
		pod := &corev1.Pod{}
		var template map[string]any
		switch o.GetKind() {
		case "Pod":
			template = o.Object
		case "Deployment", "Job":
			template, _, _ = unstructured.NestedMap(o.Object, "spec", "template")
		default:
			continue
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(template, pod, true); err != nil {
			t.Fatalf("%s: %v", manifests.Describe(o), err)
		}
		pod.APIVersion, pod.Kind = "v1", "Pod"
		pod.Namespace = o.GetNamespace()
		pod.Name = strings.ToLower(o.GetKind()) + "-of-" + o.GetName()
		pods[manifests.Describe(o)] = pod
	}
	return pods
}

func containers(p *corev1.Pod) []corev1.Container {
	return slices.Concat(p.Spec.InitContainers, p.Spec.Containers)
}

func TestTheImage(t *testing.T) {
	for name, want := range map[string]string{
		"default":    "clientele.dev/clientele:0.1.0",
		"everything": "clientele.dev/clientele:0.1.0-rc.1",
		"digest":     "registry.example.com:5000/platform/clientele@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	} {
		r := rendered(t, name)
		for what, pod := range r.pods(t) {
			for _, c := range containers(pod) {
				if c.Image != want {
					t.Errorf("%s: the image of %s is %s, want %s", name, what, c.Image, want)
				}
			}
		}
		args := r.pods(t)["Deployment "+system+"/clientele-operator"].Spec.Containers[0].Args
		if !slices.Contains(args, "--image="+want) {
			t.Errorf("%s: the operator's arguments are %q, want --image=%s: its servers run it, too", name, args, want)
		}
	}
	for what, pod := range rendered(t, "digest").pods(t) {
		if diff := cmp.Diff([]corev1.LocalObjectReference{{Name: "registry"}}, pod.Spec.ImagePullSecrets); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// A Pod of the chart names only what the chart, or Kubernetes, makes.
func TestPodsFindWhatTheyName(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, r *release) {
		there := map[string]bool{}
		for _, o := range r.all() {
			there[manifests.Describe(o)] = true
		}
		for what, pod := range r.pods(t) {
			if sa := pod.Spec.ServiceAccountName; sa != "" && !there["ServiceAccount "+pod.Namespace+"/"+sa] {
				t.Errorf("%s runs as ServiceAccount %s, which there is not", what, sa)
			}
			if sa := pod.Spec.ServiceAccountName; sa == "" && (pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken) {
				t.Errorf("%s has a token of the default ServiceAccount", what)
			}
			for _, v := range pod.Spec.Volumes {
				if m := v.ConfigMap; m != nil && (m.Optional == nil || !*m.Optional) && !there["ConfigMap "+pod.Namespace+"/"+m.Name] {
					t.Errorf("%s mounts ConfigMap %s, which there is not", what, m.Name)
				}
			}
			if pod.Spec.NodeSelector == nil && r.values["operator"] != nil {
				if selector, found, _ := unstructured.NestedMap(r.values, "operator", "pod", "nodeSelector"); found && len(selector) > 0 {
					t.Errorf("%s runs on any node", what)
				}
			}
		}
	})
}

// Selectors are immutable, and select the Pods whatever labels the user adds.
func TestSelectorsSelectTheOperator(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, r *release) {
		operator := r.ofKind("Deployment")[0]
		labels, _, _ := unstructured.NestedStringMap(operator.Object, "spec", "template", "metadata", "labels")
		want := map[string]string{"app.kubernetes.io/name": "clientele", "app.kubernetes.io/instance": releaseName, "app.kubernetes.io/component": "operator"}
		for _, o := range r.all() {
			path, ok := map[string][]string{
				"Deployment":          {"spec", "selector", "matchLabels"},
				"PodDisruptionBudget": {"spec", "selector", "matchLabels"},
				"NetworkPolicy":       {"spec", "podSelector", "matchLabels"},
			}[o.GetKind()]
			if !ok {
				continue
			}
			selector, _, _ := unstructured.NestedStringMap(o.Object, path...)
			if !maps.Equal(selector, want) {
				t.Errorf("%s selects %v, want %v", manifests.Describe(o), selector, want)
			}
		}
		for key, value := range want {
			if labels[key] != value {
				t.Errorf("the operator's Pods lack %s=%s", key, value)
			}
		}
		// No other Pod of the chart may be taken for the operator.
		for what, pod := range r.pods(t) {
			if pod.Labels["app.kubernetes.io/component"] == "operator" && !strings.HasPrefix(what, "Deployment ") {
				t.Errorf("%s has the labels of the operator", what)
			}
		}
	})
}

// The CRDs are those of the API, with more labels and annotations and nothing less.
func TestTheCRDsAreThoseOfTheAPI(t *testing.T) {
	files, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil || len(files) != 4 {
		t.Fatalf("the CRDs are %v, %v", files, err)
	}
	r := rendered(t, "default")
	if got := len(r.ofKind("CustomResourceDefinition")); got != len(files) {
		t.Errorf("the chart has %d CRDs, want %d", got, len(files))
	}
	for _, file := range files {
		objects, err := manifests.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		have := r.find(t, "CustomResourceDefinition", objects[0].GetName())
		if diff := cmp.Diff(numbers(t, objects[0].Object["spec"]), numbers(t, have.Object["spec"])); diff != "" {
			t.Errorf("%s is not as the API has it (-):\n%s", manifests.Describe(have), diff)
		}
	}
}

// numbers makes 1 and 1.0 the same, as JSON does.
func numbers(t *testing.T, v any) any {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var same any
	if err := yaml.Unmarshal(text, &same); err != nil {
		t.Fatal(err)
	}
	return same
}

// What must outlive the release: helm keeps it, and Argo CD does not prune it.
func TestWhatIsKept(t *testing.T) {
	kept := func(r *release) (names []string) {
		for _, o := range r.objects {
			helm := o.GetAnnotations()["helm.sh/resource-policy"] == "keep"
			argo := o.GetAnnotations()["argocd.argoproj.io/sync-options"] == "Prune=false"
			if helm != argo {
				t.Errorf("%s: helm keeps it: %v; Argo CD keeps it: %v", manifests.Describe(o), helm, argo)
			}
			if helm {
				names = append(names, o.GetName())
			}
		}
		slices.Sort(names)
		return names
	}
	want := []string{
		"authorizationservers." + group, "clientele-auth-delegator", "namespaceaccesses." + group,
		"oauthclients." + group, "scopepolicies." + group,
	}
	if got := kept(rendered(t, "default")); !slices.Equal(got, want) {
		t.Errorf("kept: %q, want %q", got, want)
	}
	if got := kept(rendered(t, "bare")); !slices.Equal(got, []string{"clientele-auth-delegator"}) {
		t.Errorf("kept without crds.keep: %q", got)
	}
	if got := rendered(t, "second").ofKind("CustomResourceDefinition"); len(got) != 0 {
		t.Errorf("without crds.enabled there are %d CRDs", len(got))
	}
}

// The default AuthorizationServer is no object of the release: helm would have to know its
// kind before it is there, and would delete the server with the release.
func TestObjectsOfOurKindsAreNoObjectsOfTheRelease(t *testing.T) {
	forEach(t, func(t *testing.T, _ string, r *release) {
		for _, o := range r.objects {
			if o.GroupVersionKind().Group == group {
				t.Errorf("%s is one", manifests.Describe(o))
			}
		}
		for _, o := range r.hooks {
			hook := o.GetAnnotations()["helm.sh/hook"]
			if o.GroupVersionKind().Group == group && hook != "test" {
				t.Errorf("%s is a hook %s", manifests.Describe(o), hook)
			}
		}
	})
}

func TestWhatTheJobApplies(t *testing.T) {
	spec := func(objects []*unstructured.Unstructured, kind string) map[string]any {
		for _, o := range objects {
			if o.GetKind() == kind {
				s, _, _ := unstructured.NestedMap(o.Object, "spec")
				return s
			}
		}
		return nil
	}
	embedded := map[string]any{"storage": map[string]any{"type": "Embedded"}}
	for name, want := range map[string]map[string]any{
		"default":    {"type": "Managed", "issuer": "https://clientele-default.clientele-system.svc", "managed": embedded},
		"namespaces": {"type": "Managed", "issuer": "https://clientele-default.oauth.svc", "managed": embedded},
		"second":     {"type": "Managed", "issuer": "https://clientele-b.clientele-system.svc", "managed": embedded},
		"unmanaged":  {"type": "Unmanaged", "issuer": "https://login.example.com", "unmanaged": map[string]any{"url": "https://login.intern.example.com"}},
		"gitops":     nil,
	} {
		if diff := cmp.Diff(want, spec(rendered(t, name).bootstrapped(t), "AuthorizationServer")); diff != "" {
			t.Errorf("%s: the AuthorizationServer's spec (want -):\n%s", name, diff)
		}
	}
	access := spec(rendered(t, "default").bootstrapped(t), "NamespaceAccess")
	want := map[string]any{
		"serverRef": map[string]any{"name": "default"}, "namespaces": map[string]any{"from": "All"},
		"clients":   map[string]any{"redirectHosts": []any{"*"}},
		"resources": map[string]any{"prefixes": []any{"https://{namespace}.svc"}},
	}
	if diff := cmp.Diff(want, access); diff != "" {
		t.Errorf("the NamespaceAccess's spec (want -):\n%s", diff)
	}
	for _, name := range []string{"no-access", "gitops"} {
		if access := spec(rendered(t, name).bootstrapped(t), "NamespaceAccess"); access != nil {
			t.Errorf("%s: there is a NamespaceAccess %v", name, access)
		}
	}
}

// The Job follows each install, upgrade and rollback, in Argo CD each sync, and nothing is
// left of it.
func TestTheBootstrapJob(t *testing.T) {
	job := rendered(t, "default").find(t, "Job", "clientele-bootstrap")
	for key, want := range map[string]string{
		"helm.sh/hook":                          "post-install,post-upgrade,post-rollback",
		"helm.sh/hook-delete-policy":            "before-hook-creation,hook-succeeded",
		"helm.sh/hook-output-log-policy":        "hook-failed",
		"argocd.argoproj.io/hook":               "PostSync",
		"argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation,HookSucceeded",
	} {
		if got := job.GetAnnotations()[key]; got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	for _, name := range []string{"no-bootstrap", "gitops", "bare"} {
		if jobs := rendered(t, name).ofKind("Job"); len(jobs) != 0 {
			t.Errorf("%s: there is a Job", name)
		}
	}
	notes := rendered(t, "no-bootstrap").notes
	if !strings.Contains(notes, "kubectl -n clientele-system get configmap clientele-bootstrap") {
		t.Errorf("without the Job the notes do not say how to apply the server:\n%s", notes)
	}
}

func TestTheNotesSayWhatComesNext(t *testing.T) {
	forEach(t, func(t *testing.T, name string, r *release) {
		want := []string{"clientele check"}
		if created := r.bootstrapped(t) != nil; created {
			want = append(want, "kind: OAuthClient", "curl --cacert ca.crt", "https://")
		}
		if name == "second" { // OAuthClients without serverRef are another operator's
			want = append(want, "serverRef: {name: b, namespace: clientele-system}", "namespace: shop")
		}
		for _, w := range want {
			if !strings.Contains(r.notes, w) {
				t.Errorf("the notes lack %q:\n%s", w, r.notes)
			}
		}
	})
}

// rules of a Role or ClusterRole.
func rules(t *testing.T, o *unstructured.Unstructured) []rbacv1.PolicyRule {
	t.Helper()
	var role rbacv1.ClusterRole
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
		t.Fatal(err)
	}
	return role.Rules
}

// In scope Namespaces the operator has no right on Secrets, nor on our kinds, but in the
// namespaces that it serves; everywhere it reads Namespaces.
func TestScopeNamespaces(t *testing.T) {
	r := rendered(t, "namespaces")
	cluster := rules(t, r.find(t, "ClusterRole", "clientele-operator"))
	want := []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"namespaces"}, Verbs: []string{"get", "list", "watch"}}}
	if diff := cmp.Diff(want, cluster); diff != "" {
		t.Errorf("the ClusterRole's rules (want -):\n%s", diff)
	}
	for _, o := range r.ofKind("ClusterRole") {
		for _, rule := range rules(t, o) {
			if slices.Contains(rule.Resources, "secrets") || slices.Contains(rule.Resources, "*") {
				t.Errorf("%s: %v", manifests.Describe(o), rule)
			}
		}
	}
	for namespace, roles := range map[string][]string{
		"shop":    {"clientele-operator-clients"},
		"billing": {"clientele-operator-clients"},
		"oauth":   {"clientele-operator-clients", "clientele-operator-servers"},
		system:    {"clientele-operator"},
	} {
		var have []string
		for _, o := range r.ofKind("Role") {
			if o.GetNamespace() == namespace && strings.HasPrefix(o.GetName(), "clientele-operator") {
				have = append(have, o.GetName())
			}
		}
		slices.Sort(have)
		if !slices.Equal(have, roles) {
			t.Errorf("namespace %s has the Roles %q, want %q", namespace, have, roles)
		}
	}
	args := r.pods(t)["Deployment "+system+"/clientele-operator"].Spec.Containers[0].Args
	for _, want := range []string{"--watch-namespaces=oauth,shop,billing", "--authorization-server-namespaces=oauth"} {
		if !slices.Contains(args, want) {
			t.Errorf("the operator's arguments are %q, want %s", args, want)
		}
	}
}

// Every right that the markers name is in the chart, in either scope, and no other; what the
// operator needs in its own namespace only, the template has.
func TestTheOperatorsRightsAreThoseOfTheMarkers(t *testing.T) {
	marked, err := manifests.ReadFile(filepath.Join(chartDir, "files", "rbac", "operator_role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, o := range marked {
		for _, r := range rules(t, o) {
			addRights(want, r)
		}
	}
	for _, name := range []string{"default", "namespaces"} {
		r := rendered(t, name)
		have := map[string]bool{}
		for _, o := range r.all() {
			switch {
			case o.GetName() == "clientele-operator" && o.GetKind() == "ClusterRole",
				o.GetName() == "clientele-operator-servers" && o.GetKind() == "Role",
				o.GetName() == "clientele-operator-clients" && o.GetKind() == "Role":
				for _, r := range rules(t, o) {
					addRights(have, r)
				}
			}
		}
		for right := range want {
			if !have[right] {
				t.Errorf("%s: the operator lacks the right to %s", name, right)
			}
		}
		for right := range have {
			if !want[right] {
				t.Errorf("%s: the operator may %s, which no marker asks for", name, right)
			}
		}
		for right := range have {
			if strings.HasPrefix(right, "escalate ") || strings.HasPrefix(right, "bind ") || strings.Contains(right, "*") {
				t.Errorf("%s: the operator may %s", name, right)
			}
		}
	}
}

func addRights(to map[string]bool, r rbacv1.PolicyRule) {
	for _, group := range r.APIGroups {
		for _, resource := range r.Resources {
			for _, verb := range r.Verbs {
				name := ""
				if len(r.ResourceNames) > 0 {
					name = fmt.Sprintf(" %q", r.ResourceNames)
				}
				to[verb+" "+resource+"."+group+name] = true
			}
		}
	}
}

// What `make manifests` made is what the chart renders: the files in config, and the table.
func TestInstallYAMLIsOfTheDefaultValues(t *testing.T) {
	install, err := manifests.ReadFile("../../config/install.yaml")
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]*unstructured.Unstructured{}
	for _, o := range install {
		have[manifests.Describe(o)] = o
		for key := range o.GetAnnotations() {
			if strings.HasPrefix(key, "helm.sh/") {
				t.Errorf("%s has the annotation %s, though no helm is there", manifests.Describe(o), key)
			}
		}
	}
	if have["Namespace "+system] == nil || have["Namespace "+system].GetLabels()["pod-security.kubernetes.io/enforce"] != "restricted" {
		t.Error("install.yaml lacks the Namespace with Pod Security restricted")
	}
	for _, o := range rendered(t, "default").objects {
		other := have[manifests.Describe(o)]
		if o.GetName() == "clientele-bootstrap" {
			continue
		}
		if other == nil {
			t.Errorf("install.yaml lacks %s", manifests.Describe(o))
			continue
		}
		for _, part := range []string{"spec", "rules", "data", "subjects", "roleRef"} {
			a, b := o.Object[part], other.Object[part]
			for _, label := range []string{"helm.sh/chart", "app.kubernetes.io/managed-by"} {
				if spec, ok := a.(map[string]any); ok { // of the Deployment's Pods
					unstructured.RemoveNestedField(spec, "template", "metadata", "labels", label)
				}
			}
			if diff := cmp.Diff(a, b); diff != "" {
				t.Errorf("%s of %s (chart -, install.yaml +):\n%s", part, manifests.Describe(o), diff)
			}
		}
	}
	server, err := os.ReadFile("../../config/default-server.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := parse(string(server))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rendered(t, "default").bootstrapped(t), objects); diff != "" {
		t.Errorf("default-server.yaml is not what the Job applies:\n%s", diff)
	}
}
