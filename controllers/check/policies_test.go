package check

import (
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// What keeps the operator from a server's registrar port, by the rules of NetworkPolicy.
func TestClosedBy(t *testing.T) {
	operator := peer{"ops", map[string]string{"kubernetes.io/metadata.name": "ops"}, map[string]string{"app": "operator"}, "10.0.0.1"}
	srv := peer{"as", map[string]string{"kubernetes.io/metadata.name": "as"}, map[string]string{"app": "server"}, "10.0.1.1"}
	const (
		ours = `
metadata: {namespace: as, name: ours}
spec:
  podSelector: {matchLabels: {app: server}}
  policyTypes: [Ingress]
  ingress:
    - ports: [{port: https}, {port: 9090}]
    - from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops}}, podSelector: {matchLabels: {app: operator}}}]
      ports: [{port: registrar}]
`
		denyAll = `
metadata: {namespace: as, name: deny-all}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
`
	)
	in := func(rule string) string {
		return "metadata: {namespace: as, name: p}\nspec: {podSelector: {}, ingress: [" + rule + "]}"
	}
	out := func(spec string) string { return "metadata: {namespace: ops, name: e}\nspec: " + spec }
	for name, c := range map[string]struct {
		policies []string
		want     string
	}{
		"none":                            {nil, ""},
		"ours":                            {[]string{ours}, ""},
		"default deny":                    {[]string{denyAll}, "as/deny-all"},
		"ours beside a default deny":      {[]string{denyAll, ours}, ""},
		"of another Pod":                  {[]string{"metadata: {namespace: as, name: p}\nspec: {podSelector: {matchLabels: {app: shop}}, policyTypes: [Ingress]}"}, ""},
		"of another namespace":            {[]string{"metadata: {namespace: shop, name: p}\nspec: {podSelector: {}, policyTypes: [Ingress]}"}, ""},
		"the public port only":            {[]string{in("{ports: [{port: 8443}]}")}, "as/p"},
		"a range with it":                 {[]string{in("{ports: [{port: 8000, endPort: 9000}]}")}, ""},
		"a range without it":              {[]string{in("{ports: [{port: 8445, endPort: 9000}]}")}, "as/p"},
		"UDP":                             {[]string{in("{ports: [{port: 8444, protocol: UDP}]}")}, "as/p"},
		"any port of TCP":                 {[]string{in("{ports: [{protocol: TCP}]}")}, ""},
		"Pods of its own namespace":       {[]string{in("{from: [{podSelector: {}}]}")}, "as/p"},
		"any namespace":                   {[]string{in("{from: [{namespaceSelector: {}}]}")}, ""},
		"other Pods of the namespace":     {[]string{in("{from: [{namespaceSelector: {}, podSelector: {matchLabels: {app: shop}}}]}")}, "as/p"},
		"its network":                     {[]string{in(`{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}`)}, ""},
		"its network without it":          {[]string{in(`{from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.1/32]}}]}`)}, "as/p"},
		"another network":                 {[]string{in(`{from: [{ipBlock: {cidr: 10.9.0.0/24}}]}`)}, "as/p"},
		"a rule for all":                  {[]string{in("{}")}, ""},
		"egress of the operator":          {[]string{ours, out("{podSelector: {}, policyTypes: [Egress]}")}, "ops/e"},
		"egress, permitted":               {[]string{out("{podSelector: {}, egress: [{to: [{namespaceSelector: {}}], ports: [{port: 8444}]}]}")}, ""},
		"egress of the operator, ingress": {[]string{ours, out("{podSelector: {}, policyTypes: [Ingress]}")}, ""},
		"both":                            {[]string{denyAll, out("{podSelector: {}, policyTypes: [Egress]}")}, "as/deny-all ops/e"},
	} {
		var policies []networkingv1.NetworkPolicy
		for _, text := range c.policies {
			var p networkingv1.NetworkPolicy
			if err := yaml.UnmarshalStrict([]byte(text), &p); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			policies = append(policies, p)
		}
		if got := strings.Join(keys(closedBy(policies, operator, srv, port{8444, "registrar"})), " "); got != c.want {
			t.Errorf("%s: closed by %q, want %q", name, got, c.want)
		}
	}
}
