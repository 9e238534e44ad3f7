package helm

import (
	"context"
	"maps"
	"slices"
	"testing"

	action3 "helm.sh/helm/v3/pkg/action"
	loader3 "helm.sh/helm/v3/pkg/chart/loader"
	action4 "helm.sh/helm/v4/pkg/action"
	loader4 "helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/kube"
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/testenv"
)

// helm is one version of it, at the API server. Hooks are left out: no kubelet runs them.
type helm interface {
	install(name string, values map[string]any, takeOwnership bool) error
	upgrade(name string, values map[string]any) error
	uninstall(name string) error
}

type helm3 struct{ cfg *action3.Configuration }

func newHelm3(t *testing.T) helm {
	t.Helper()
	h := helm3{&action3.Configuration{}}
	if err := h.cfg.Init(access(t), system, "secret", t.Logf); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h helm3) install(name string, values map[string]any, takeOwnership bool) error {
	c, err := loader3.LoadDir(chartDir)
	if err != nil {
		return err
	}
	i := action3.NewInstall(h.cfg)
	i.ReleaseName, i.Namespace, i.DisableHooks, i.TakeOwnership = name, system, true, takeOwnership
	_, err = i.Run(c, values)
	return err
}

func (h helm3) upgrade(name string, values map[string]any) error {
	c, err := loader3.LoadDir(chartDir)
	if err != nil {
		return err
	}
	u := action3.NewUpgrade(h.cfg)
	u.Namespace, u.DisableHooks = system, true
	_, err = u.Run(name, c, values)
	return err
}

func (h helm3) uninstall(name string) error {
	u := action3.NewUninstall(h.cfg)
	u.DisableHooks = true
	_, err := u.Run(name)
	return err
}

type helm4 struct{ cfg *action4.Configuration }

func newHelm4(t *testing.T) helm {
	t.Helper()
	h := helm4{action4.NewConfiguration()}
	if err := h.cfg.Init(access(t), system, "secret"); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h helm4) install(name string, values map[string]any, takeOwnership bool) error {
	c, err := loader4.LoadDir(chartDir)
	if err != nil {
		return err
	}
	i := action4.NewInstall(h.cfg)
	i.ReleaseName, i.Namespace, i.DisableHooks, i.TakeOwnership = name, system, true, takeOwnership
	// What it takes over here was applied by testenv, and is the same.
	i.WaitStrategy, i.ForceConflicts = kube.HookOnlyStrategy, takeOwnership
	_, err = i.Run(c, values)
	return err
}

func (h helm4) upgrade(name string, values map[string]any) error {
	c, err := loader4.LoadDir(chartDir)
	if err != nil {
		return err
	}
	u := action4.NewUpgrade(h.cfg)
	u.Namespace, u.DisableHooks, u.WaitStrategy = system, true, kube.HookOnlyStrategy
	_, err = u.Run(name, c, values)
	return err
}

func (h helm4) uninstall(name string) error {
	u := action4.NewUninstall(h.cfg)
	u.DisableHooks, u.WaitStrategy = true, kube.HookOnlyStrategy
	_, err := u.Run(name)
	return err
}

func access(t *testing.T) *genericclioptions.ConfigFlags {
	t.Helper()
	flags := genericclioptions.NewConfigFlags(false)
	kubeconfig, namespace := testenv.Kubeconfig(t, testenv.Config()), system
	flags.KubeConfig, flags.Namespace = &kubeconfig, &namespace
	return flags
}

// Install, upgrade, uninstall, install again, by either Helm and by one after the other.
// What must stay does, and the second installation finds it.
func TestTheLifeOfARelease(t *testing.T) {
	makeNamespaces(t)
	c := testenv.Client(t, v1alpha1.AddToScheme)
	for name, by := range map[string][4]func(*testing.T) helm{
		"helm-3":   {newHelm3, newHelm3, newHelm3, newHelm3},
		"helm-4":   {newHelm4, newHelm4, newHelm4, newHelm4},
		"3-then-4": {newHelm3, newHelm4, newHelm4, newHelm3},
	} {
		t.Run(name, func(t *testing.T) {
			fullname := "life-" + name
			values := map[string]any{"fullnameOverride": fullname}
			must := func(what string, err error) {
				t.Helper()
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			operator := client.ObjectKey{Namespace: system, Name: fullname + "-operator"}
			binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: fullname + "-auth-delegator"}}
			t.Cleanup(func() { _ = c.Delete(context.Background(), binding) })

			must("install", by[0](t).install(fullname, maps.Clone(values), true))
			uids := crds(t, c)
			values["operator"] = map[string]any{"replicas": 3}
			must("upgrade", by[1](t).upgrade(fullname, maps.Clone(values)))
			var deployment appsv1.Deployment
			must("read the operator", c.Get(t.Context(), operator, &deployment))
			if *deployment.Spec.Replicas != 3 {
				t.Errorf("after the upgrade there are %d operators", *deployment.Spec.Replicas)
			}

			must("uninstall", by[2](t).uninstall(fullname))
			if err := c.Get(t.Context(), operator, &deployment); !apierrors.IsNotFound(err) {
				t.Errorf("after uninstall the operator is there: %v", err)
			}
			if got := crds(t, c); !maps.Equal(got, uids) {
				t.Errorf("after uninstall the CRDs are %v, before %v", got, uids)
			}
			must("the binding of servers stays", c.Get(t.Context(), client.ObjectKeyFromObject(binding), binding))

			must("install again", by[3](t).install(fullname, maps.Clone(values), false))
			if got := crds(t, c); !maps.Equal(got, uids) {
				t.Errorf("after the second install the CRDs are %v, before %v", got, uids)
			}
			must("uninstall again", by[3](t).uninstall(fullname))
		})
	}
}

// crds returns the uids of our CRDs: a new uid means that all objects are gone.
func crds(t *testing.T, c client.Client) map[string]types.UID {
	t.Helper()
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinitionList"})
	if err := c.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	uids := map[string]types.UID{}
	for _, item := range list.Items {
		if slices.Contains([]string{"authorizationservers." + group, "namespaceaccesses." + group, "oauthclients." + group, "scopepolicies." + group}, item.Name) && item.DeletionTimestamp == nil {
			uids[item.Name] = item.UID
		}
	}
	if len(uids) != 4 {
		t.Fatalf("the CRDs are %v", uids)
	}
	return uids
}
