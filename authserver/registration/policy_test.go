package registration

import (
	"testing"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
	"clientele.dev/clientele/authserver/store"
)

func orders(edit ...func(*policy.Policy)) policy.Policy {
	p := policy.Policy{
		UID: "uid-p", Namespace: "orders", Name: "api", Cluster: "c1", Created: 1, Generation: 3,
		Resource: "https://orders.example.com",
		Scopes:   []policy.Scope{{Name: "orders.read"}},
	}
	for _, e := range edit {
		e(&p)
	}
	return p
}

func TestDecidePolicy(t *testing.T) {
	have := &store.Policy{Policy: orders()}
	tests := []struct {
		name string
		p    policy.Policy
		have ExistingPolicy
		put  bool
		want oauth.Code
	}{
		{name: "new", p: orders(), put: true},
		{name: "the same", p: orders(), have: ExistingPolicy{Policy: have}},
		{name: "higher generation", p: orders(func(p *policy.Policy) { p.Generation = 4 }), have: ExistingPolicy{Policy: have}, put: true},
		{name: "other content at the same generation", p: orders(func(p *policy.Policy) { p.Scopes[0].Description = "See" }), have: ExistingPolicy{Policy: have}, put: true},
		{name: "F7 lower generation", p: orders(func(p *policy.Policy) { p.Generation = 2 }), have: ExistingPolicy{Policy: have}, want: oauth.CodeStaleCounter},
		{name: "F32 another cluster's", p: orders(func(p *policy.Policy) { p.Cluster = "c2" }), have: ExistingPolicy{Policy: have}, want: oauth.CodeOwnerMismatch},
		{name: "F10 tampered", p: orders(func(p *policy.Policy) { p.Generation = 1 }), have: ExistingPolicy{Policy: have, Tampered: true}, put: true},
		{name: "F10 tampered, same content", p: orders(), have: ExistingPolicy{Policy: have, Tampered: true}, put: true},
		{name: "invalid", p: orders(func(p *policy.Policy) { p.Resource = "" }), want: oauth.CodeInvalidRequest},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change, err := DecidePolicy(test.p, test.have)
			if oauth.CodeOf(err) != test.want || (change.Put != nil) != test.put || change.Delete {
				t.Fatalf("change %+v, error %v, want put %v, error %q", change, err, test.put, test.want)
			}
			if change.Put != nil && change.Put.Digest() != test.p.Digest() {
				t.Errorf("put %+v", change.Put)
			}
			if n, ok := StoredCounter(err); ok && n != 3 {
				t.Errorf("stored generation %d, want 3", n)
			}
		})
	}
}

func TestDecidePolicyDelete(t *testing.T) {
	have := &store.Policy{Policy: orders()}
	tests := []struct {
		name    string
		cluster string
		have    ExistingPolicy
		want    bool
	}{
		{"its own", "c1", ExistingPolicy{Policy: have}, true},
		{"F6 absent", "c1", ExistingPolicy{}, false},
		{"F32 another cluster's", "c2", ExistingPolicy{Policy: have}, false},
		{"F10 tampered", "c2", ExistingPolicy{Policy: have, Tampered: true}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := DecidePolicyDelete(test.cluster, test.have); got != (store.PolicyChange{Delete: test.want}) {
				t.Errorf("change %+v, want delete %v", got, test.want)
			}
		})
	}
}
