package gitops

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

const argocdDir = "../../config/gitops/argocd"

var kinds = []string{"AuthorizationServer", "NamespaceAccess", "OAuthClient", "ScopePolicy"}

// script is a file of a kind.
func script(t *testing.T, kind string, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{argocdDir, v1alpha1.GroupVersion.Group, kind}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run runs a script as Argo CD runs those of its configuration: the libraries base,
// package and table, of os only time and date, a global obj, one second.
func run(t *testing.T, script string, u *unstructured.Unstructured) map[string]any {
	t.Helper()
	l := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer l.Close()
	for name, open := range map[string]lua.LGFunction{lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		if err := l.CallByParam(lua.P{Fn: l.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			t.Fatal(err)
		}
	}
	l.PreloadModule(lua.OsLibName, func(l *lua.LState) int {
		lua.OpenOs(l)
		all, safe := l.CheckTable(-1), l.NewTable()
		for _, name := range []string{"time", "date"} {
			safe.RawSetString(name, all.RawGetString(name))
		}
		l.SetGlobal(lua.OsLibName, lua.LNil)
		l.Push(safe)
		return 1
	})
	l.SetGlobal("obj", toLua(l, u.Object))
	if err := l.DoString(script); err != nil {
		t.Fatal(err)
	}
	result, ok := fromLua(l.Get(-1)).(map[string]any)
	if !ok {
		t.Fatalf("the script returns %s", l.Get(-1))
	}
	return result
}

// toLua and fromLua translate as Argo CD does.
func toLua(l *lua.LState, value any) lua.LValue {
	switch v := value.(type) {
	case bool:
		return lua.LBool(v)
	case float64:
		return lua.LNumber(v)
	case int64:
		return lua.LNumber(v)
	case string:
		return lua.LString(v)
	case []any:
		table := l.NewTable()
		for _, item := range v {
			table.Append(toLua(l, item))
		}
		return table
	case map[string]any:
		table := l.NewTable()
		for key, item := range v {
			table.RawSetString(key, toLua(l, item))
		}
		return table
	}
	return lua.LNil
}

func fromLua(value lua.LValue) any {
	switch v := value.(type) {
	case lua.LBool:
		return bool(v)
	case lua.LNumber:
		return float64(v)
	case lua.LString:
		return string(v)
	case *lua.LTable:
		if n := v.MaxN(); n > 0 {
			list := make([]any, 0, n)
			for i := 1; i <= n; i++ {
				list = append(list, fromLua(v.RawGetInt(i)))
			}
			return list
		}
		fields := map[string]any{}
		v.ForEach(func(key, item lua.LValue) { fields[key.String()] = fromLua(item) })
		return fields
	}
	return nil
}

// health is what Argo CD shows of an object.
func health(t *testing.T, u *unstructured.Unstructured) (status, message string) {
	t.Helper()
	result := run(t, script(t, u.GetKind(), "health.lua"), u)
	status, _ = result["status"].(string)
	message, _ = result["message"].(string)
	if !slices.Contains([]string{"Healthy", "Progressing", "Degraded"}, status) || message == "" {
		t.Errorf("the health of %s is %q %q", u.GetKind(), status, message)
	}
	return status, message
}

// An object of a CRD without the default has no status at all.
func TestArgoCDWaitsForTheFirstStatus(t *testing.T) {
	for _, kind := range kinds {
		u := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"generation": int64(1)}}}
		u.SetKind(kind)
		if status, _ := health(t, u); status != "Progressing" {
			t.Errorf("a %s without a status is %s", kind, status)
		}
	}
}

// act runs an action that Argo CD offers for an object, and writes what it returns.
func (w *world) act(t *testing.T, obj client.Object, action string) {
	t.Helper()
	u := w.read(t, obj)
	offered, ok := run(t, script(t, u.GetKind(), "actions", "discovery.lua"), u)[action].(map[string]any)
	if !ok || offered["disabled"] == true || offered["displayName"] == nil {
		t.Fatalf("action %s of %s is offered as %v", action, u.GetKind(), offered)
	}
	returned := &unstructured.Unstructured{Object: run(t, script(t, u.GetKind(), "actions", action, "action.lua"), u)}
	// Argo CD sends the difference.
	patch, err := client.MergeFrom(u).Data(returned)
	if err != nil {
		t.Fatal(err)
	}
	var changes struct {
		Metadata map[string]map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(patch, &changes); err != nil || len(changes.Metadata["annotations"]) != 1 {
		t.Fatalf("action %s changes %s", action, patch)
	}
	annotations, err := json.Marshal(map[string]any{"metadata": changes.Metadata})
	if err != nil {
		t.Fatal(err)
	}
	w.patch(t, obj, string(annotations))
}

func TestArgoCDActionRotatesTheSecret(t *testing.T) {
	w := newWorld(t)
	w.startOperator(t)
	ns := w.namespace(t, allowed)
	oac := oauthClient(ns, "app")
	w.create(t, oac)
	w.await(t, oac, v1alpha1.ReasonAccepted)
	before := w.clientSecret(t, ns)
	w.act(t, oac, "rotate-secret")
	eventually(t, "another secret", func() bool { return w.clientSecret(t, ns) != before })

	public := oauthClient(ns, "cli")
	public.Spec = v1alpha1.OAuthClientSpec{
		Type: v1alpha1.ClientPublic, GrantTypes: []v1alpha1.GrantType{v1alpha1.GrantAuthorizationCode}, RedirectURIs: []string{"http://127.0.0.1/cb"},
	}
	w.create(t, public)
	u := w.read(t, public)
	if offered := run(t, script(t, u.GetKind(), "actions", "discovery.lua"), u)["rotate-secret"].(map[string]any); offered["disabled"] != true {
		t.Errorf("a public client has no secret, and the action is offered: %v", offered)
	}
}

func (w *world) clientSecret(t *testing.T, ns string) string {
	t.Helper()
	var s corev1.Secret
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: ns, Name: "app-oauth"}, &s); err != nil {
		t.Fatal(err)
	}
	return string(s.Data[v1alpha1.CredentialsKeyClientSecret])
}

// A Secret of another owner blocks the client's; no event tells the operator that it was
// deleted, for the operator does not watch Secrets that are not its own.
func TestArgoCDActionChecksAgain(t *testing.T) {
	w := newWorld(t)
	w.startOperator(t)
	ns := w.namespace(t, allowed)
	foreign := &corev1.Secret{}
	foreign.Namespace, foreign.Name = ns, "app-oauth"
	w.create(t, foreign)
	oac := oauthClient(ns, "app")
	w.create(t, oac)
	w.await(t, oac, v1alpha1.ReasonSecretConflict)
	eventually(t, "Degraded", func() bool { status, _ := health(t, w.read(t, oac)); return status == "Degraded" })
	if err := w.Delete(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	w.act(t, oac, "check-again")
	w.await(t, oac, v1alpha1.ReasonAccepted)
	// Without the action it is looked at every 30 seconds.
	t.Logf("Ready %s after the action", time.Since(began))
}

// Each action is offered, and sets an annotation that the operator acts on.
func TestArgoCDActionsSetTheOperatorsAnnotations(t *testing.T) {
	actions := map[string]map[string]string{"OAuthClient": {"rotate-secret": v1alpha1.AnnotationRotateSecret}, "AuthorizationServer": {"rotate-signing-keys": v1alpha1.AnnotationRotateSigningKeys}}
	for _, kind := range kinds {
		annotations := map[string]string{"check-again": v1alpha1.AnnotationCheckAgain}
		maps.Copy(annotations, actions[kind])
		u := &unstructured.Unstructured{Object: map[string]any{"metadata": map[string]any{"name": "a"}, "spec": map[string]any{}}}
		offered := run(t, script(t, kind, "actions", "discovery.lua"), u)
		if len(offered) != len(annotations) {
			t.Errorf("%s offers %v", kind, offered)
		}
		for action, annotation := range annotations {
			returned := &unstructured.Unstructured{Object: run(t, script(t, kind, "actions", action, "action.lua"), u)}
			at, err := time.Parse(time.RFC3339, returned.GetAnnotations()[annotation])
			if err != nil || time.Since(at).Abs() > time.Minute || offered[action] == nil {
				t.Errorf("action %s of %s: the annotations are %v: %v", action, kind, returned.GetAnnotations(), err)
			}
		}
	}
}

var update = flag.Bool("update", false, "write config/gitops/argocd/argocd-cm.yaml")

// argocd-cm.yaml is made of the scripts.
func TestArgoCDConfigMapHasTheScripts(t *testing.T) {
	data := map[string]string{}
	for _, kind := range kinds {
		name := v1alpha1.GroupVersion.Group + "_" + kind
		data["resource.customizations.health."+name] = script(t, kind, "health.lua")
		actions, err := os.ReadDir(filepath.Join(argocdDir, v1alpha1.GroupVersion.Group, kind, "actions"))
		if err != nil {
			t.Fatal(err)
		}
		var definitions []map[string]string
		for _, action := range actions {
			if action.IsDir() {
				definitions = append(definitions, map[string]string{"name": action.Name(), "action.lua": script(t, kind, "actions", action.Name(), "action.lua")})
			}
		}
		text, err := yaml.Marshal(map[string]any{"discovery.lua": script(t, kind, "actions", "discovery.lua"), "definitions": definitions})
		if err != nil {
			t.Fatal(err)
		}
		data["resource.customizations.actions."+name] = string(text)
	}
	text, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "argocd-cm", "namespace": "argocd", "labels": map[string]string{"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"}},
		"data":     data,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "# Made of the scripts beside it by: cd hack/gitops && go test -run ConfigMap -update\n" + string(text)
	file := filepath.Join(argocdDir, "argocd-cm.yaml")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || string(have) != want {
		t.Errorf("%s is not what the scripts make of it (%v): run go test -run ConfigMap -update", file, err)
	}
	if strings.Contains(want, "\t") {
		t.Error("a script has tabs, which YAML cannot keep readable")
	}
}
