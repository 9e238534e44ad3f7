package v1alpha1_test

import (
	"strings"
	"testing"

	"clientele.dev/clientele/hack/testenv"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// managed is the spec of a Managed AuthorizationServer with fields of spec.managed, as a
// YAML flow mapping.
func managed(fields string) string {
	return "issuer: https://as.example.com\ntype: Managed\nmanaged: " + fields
}

// The members of unions, as YAML flow mappings.
const (
	dsn        = "dsnSecretRef: {name: db}"
	pg         = "storage: {type: Postgres, postgres: {" + dsn + "}}"
	claim      = "storage: {embedded: {volumeClaim: {size: 1Gi}}}"
	claimClass = "storage: {embedded: {volumeClaim: {size: 1Gi, storageClassName: fast}}}"
)

func TestManagedSchema(t *testing.T) {
	checkCreate(t, "AuthorizationServer", []rule{
		{"least", managed("{}"), nil},
		{"managed missing", "issuer: https://as.example.com\ntype: Managed", []string{"managed must be set if, and only if, type is Managed"}},
		{"managed of an Unmanaged one", server("managed: {}"), []string{"managed must be set if, and only if, type is Managed"}},
		{"unmanaged of a Managed one", managed("{}") + "\nunmanaged: {}", []string{"unmanaged must not be set unless type is Unmanaged"}},
		{"issuer without TLS", strings.Replace(managed("{}"), "https://as.example.com", "http://127.0.0.1:8080", 1), []string{"issuer must be an https URL where type is Managed"}},

		{"one replica, embedded", managed("{replicas: 1}"), nil},
		{"two replicas, embedded", managed("{replicas: 2}"), []string{"spec.managed", "replicas must be 1 or absent where storage.type is Embedded"}},
		{"three replicas, PostgreSQL", managed("{replicas: 3, " + pg + "}"), nil},
		{"no replicas", managed("{replicas: 0}"), []string{"spec.managed.replicas", "1"}},
		{"too many replicas", managed("{replicas: 33, " + pg + "}"), []string{"spec.managed.replicas", "32"}},
		{"image", managed("{image: 'registry.example:5000/clientele@sha256:0000'}"), nil},
		{"image with a space", managed("{image: 'a b'}"), []string{"spec.managed.image", "should match"}},

		{"embedded", managed("{storage: {type: Embedded, embedded: {}}}"), nil},
		{"embedded with a claim", managed("{" + claimClass + "}"), nil},
		{"embedded beside PostgreSQL", managed("{storage: {type: Postgres, embedded: {}, postgres: {" + dsn + "}}}"), []string{"spec.managed.storage", "embedded must not be set unless type is Embedded"}},
		{"PostgreSQL without postgres", managed("{storage: {type: Postgres}}"), []string{"spec.managed.storage", "postgres must be set if, and only if, type is Postgres"}},
		{"postgres beside embedded", managed("{storage: {postgres: {" + dsn + "}}}"), []string{"spec.managed.storage", "postgres must be set if, and only if, type is Postgres"}},
		{"postgres without dsnSecretRef", managed("{storage: {type: Postgres, postgres: {}}}"), []string{"spec.managed.storage.postgres.dsnSecretRef", "Required"}},
		{"size in a wrong unit", managed("{storage: {embedded: {volumeClaim: {size: 1GB}}}}"), []string{"spec.managed.storage.embedded.volumeClaim.size", "a quantity above 0"}},
		{"size 0", managed("{storage: {embedded: {volumeClaim: {size: 0Gi}}}}"), []string{"spec.managed.storage.embedded.volumeClaim.size", "a quantity above 0"}},

		{"generated", managed("{tls: {type: Generated, generated: {caOverlap: 48h}}}"), nil},
		{"caOverlap too short", managed("{tls: {generated: {caOverlap: 9s}}}"), []string{"spec.managed.tls.generated.caOverlap", "between 10s and 4320h"}},
		{"caOverlap too long", managed("{tls: {generated: {caOverlap: 4321h}}}"), []string{"spec.managed.tls.generated.caOverlap", "between 10s and 4320h"}},
		{"generated beside CertManager", managed("{tls: {type: CertManager, generated: {}, certManager: {issuerRef: {name: a}}}}"), []string{"spec.managed.tls", "generated must not be set unless type is Generated"}},
		{"cert-manager", managed("{tls: {type: CertManager, certManager: {issuerRef: {name: a}}}}"), nil},
		{"cert-manager without certManager", managed("{tls: {type: CertManager}}"), []string{"spec.managed.tls", "certManager must be set if, and only if, type is CertManager"}},
		{"TLS Secret", managed("{tls: {type: Secret, secret: {name: a}}}"), nil},
		{"TLS Secret without secret", managed("{tls: {type: Secret}}"), []string{"spec.managed.tls", "secret must be set if, and only if, type is Secret"}},

		{"load balancer", managed("{service: {type: LoadBalancer, loadBalancerClass: a.example/b, annotations: {a: b}}}"), nil},
		{"loadBalancerClass of a ClusterIP", managed("{service: {loadBalancerClass: a}}"), []string{"spec.managed.service", "loadBalancerClass must not be set unless type is LoadBalancer"}},
		{"external name", managed("{service: {type: ExternalName}}"), []string{"spec.managed.service.type", `"ClusterIP", "NodePort", "LoadBalancer"`}},

		{"pod", managed("{pod: {labels: {team: a}, annotations: {a: b}, nodeSelector: {a: b}, tolerations: [{operator: Exists}], priorityClassName: high, imagePullSecrets: [{name: a}], resources: {limits: {memory: 1Gi}}, topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]}}"), nil},
		{"pod with our label", managed("{pod: {labels: {oauth.clientele.dev/server: other}}}"), []string{"spec.managed.pod.labels", "the operator sets them"}},
		{"no budget, no policy", managed("{disruptionBudget: Disabled, networkPolicy: Disabled}"), nil},
		{"budget of another word", managed("{disruptionBudget: Off}"), []string{"spec.managed.disruptionBudget", `"Enabled", "Disabled"`}},
	})
}

func TestManagedChanges(t *testing.T) {
	class := []string{"spec.managed.storage.embedded.volumeClaim", "storageClassName is immutable, set or not"}
	balancer := "{service: {type: LoadBalancer, loadBalancerClass: a}}"
	checkUpdate(t, "AuthorizationServer", []change{
		{"to Unmanaged", managed("{}"), server(), nil},
		{"to Managed", server(), managed("{}"), nil},
		{"to another storage", managed("{" + claim + "}"), managed("{" + pg + "}"), nil},
		{"size grows", managed("{" + claim + "}"), managed("{" + strings.Replace(claim, "1Gi", "1025Mi", 1) + "}"), nil},
		{"size in other words", managed("{" + claim + "}"), managed("{" + strings.Replace(claim, "1Gi", "1024Mi", 1) + "}"), nil},
		{"size shrinks", managed("{" + claim + "}"), managed("{" + strings.Replace(claim, "1Gi", "1023Mi", 1) + "}"), []string{"spec.managed.storage.embedded.volumeClaim.size", "size can only grow"}},
		{"class set", managed("{" + claim + "}"), managed("{" + claimClass + "}"), class},
		{"class unset", managed("{" + claimClass + "}"), managed("{" + claim + "}"), class},
		{"class changed", managed("{" + claimClass + "}"), managed("{" + strings.Replace(claimClass, "fast", "slow", 1) + "}"), class},
		{"class kept", managed("{" + claimClass + "}"), managed("{pod: {labels: {a: b}}, " + claimClass + "}"), nil},
		{"claim to an emptyDir", managed("{" + claimClass + "}"), managed("{}"), nil},
		{"load balancer of another class", managed(balancer), managed(strings.Replace(balancer, "Class: a", "Class: b", 1)), []string{"spec.managed.service", "loadBalancerClass is immutable"}},
		{"load balancer to a ClusterIP", managed(balancer), managed("{}"), nil},
	})
}

func TestManagedName(t *testing.T) {
	c := testenv.Client(t)
	ns := testenv.Namespace(t)
	for _, n := range []struct {
		name string
		want []string
	}{
		{strings.Repeat("a", 43), nil},
		{strings.Repeat("a", 44), []string{"metadata.name must have at most 43 characters"}},
		{"a.b", []string{"metadata.name must have at most 43 characters and no dot"}},
	} {
		check(t, c.Create(t.Context(), object(t, "AuthorizationServer", ns, n.name, managed("{}"))), n.want)
	}
	// As type changes, the name has to fit.
	if err := c.Create(t.Context(), object(t, "AuthorizationServer", ns, "x.y", server())); err != nil {
		t.Fatal(err)
	}
	changed := object(t, "AuthorizationServer", ns, "x.y", server())
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(changed), changed); err != nil {
		t.Fatal(err)
	}
	setSpec(t, changed, managed("{}"))
	check(t, c.Update(t.Context(), changed), []string{"metadata.name must have at most 43 characters and no dot"})
}
