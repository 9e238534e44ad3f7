package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/store/postgres/pgtest"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// The AuthorizationServer on PostgreSQL, with three replicas, that scenarios share.
const (
	shared         = "shared"
	sharedReplicas = 3
	sharedApp      = "steady"
)

var sharedBegun struct {
	sync.Mutex
	tried, works bool
	database     *pgtest.Server
	app          app
}

// sharedServer makes sure that it runs, and returns a client of it.
func sharedServer(t *testing.T) app {
	t.Helper()
	the.NeedNode(t)
	installation(t)
	s := &sharedBegun
	s.Lock()
	defer s.Unlock()
	if s.tried {
		if !s.works {
			t.Fatal("the server on PostgreSQL did not come up in an earlier scenario")
		}
		return s.app
	}
	s.tried = true
	s.database = database(t)
	putDSN(t, "pg-app", "authserver", databasePassword, "postgres")
	begin := time.Now()
	the.Apply(t, serverManifest(shared, fmt.Sprintf(`
    replicas: %d
    storage: {type: Postgres, postgres: {dsnSecretRef: {name: pg-app}}}`, sharedReplicas)))
	cluster.Ready(t, the, server(shared), 2*time.Minute, "an AuthorizationServer on PostgreSQL was applied")
	figure(t, "apply of an AuthorizationServer with 3 replicas on PostgreSQL → Ready", seconds(time.Since(begin)), "-")
	the.Apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+sharedApp+"}\n")
	undo(func() {
		if err := the.RemoveNamespaces(sharedApp); err != nil {
			fmt.Println("e2e: clean up:", err)
		}
	})
	s.app = newApp(t, sharedApp, sharedApp, shared)
	s.works = true
	return s.app
}

// serverManifest is an AuthorizationServer of type Managed, and a NamespaceAccess that
// lets all namespaces have clients there.
func serverManifest(name, managed string) string {
	return fmt.Sprintf(`
apiVersion: oauth.clientele.dev/v1alpha1
kind: AuthorizationServer
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  issuer: %[3]s
  type: Managed
  managed: %[4]s
---
apiVersion: oauth.clientele.dev/v1alpha1
kind: NamespaceAccess
metadata: {name: %[1]s, namespace: %[2]s}
spec:
  serverRef: {name: %[1]s}
  namespaces: {from: All}
  clients: {redirectHosts: ["*"]}
  resources: {prefixes: ["https://{namespace}.svc"]}
`, name, systemNamespace, issuer(name), managed)
}

const databasePassword = "not-a-secret-of-anybody"

// database starts a PostgreSQL beside the cluster's own processes, which Pods reach by
// Service postgres: a Service without a selector, with an EndpointSlice of the node's
// address, as for any database that is not in the cluster.
func database(t *testing.T) *pgtest.Server {
	t.Helper()
	db, err := pgtest.Start(context.Background(), "listen_addresses="+the.NodeAddress())
	if err != nil {
		t.Fatal(err)
	}
	undo(func() {
		if err := db.Stop(); err != nil {
			fmt.Println("e2e: stop PostgreSQL:", err)
		}
	})
	if err := db.Access(t.Context(), "host all all 0.0.0.0/0 scram-sha-256"); err != nil {
		t.Fatal(err)
	}
	if err := db.Exec(t.Context(), "", "CREATE ROLE authserver LOGIN PASSWORD '"+databasePassword+"'; CREATE SCHEMA AUTHORIZATION authserver"); err != nil {
		t.Fatal(err)
	}
	the.Apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: {name: postgres, namespace: %[1]s}
spec: {ports: [{port: 5432}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: postgres, namespace: %[1]s, labels: {kubernetes.io/service-name: postgres}}
addressType: IPv4
ports: [{port: 5432}]
endpoints: [{addresses: [%[2]s], conditions: {ready: true}}]
`, systemNamespace, the.NodeAddress()))
	return db
}

// putDSN writes a Secret as CloudNativePG makes them: the connection string is in uri.
func putDSN(t testing.TB, secret, user, password, database string) {
	t.Helper()
	the.Apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: %s, namespace: %s}
stringData: {uri: "postgres://%s:%s@postgres.%s.svc:5432/%s?sslmode=disable"}
`, secret, systemNamespace, user, password, systemNamespace, database))
}

// deployment of a server on PostgreSQL.
func deployment(server string) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: serviceName(server)}}
}

// statefulSet of a server with embedded storage.
func statefulSet(server string) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: serviceName(server)}}
}

// allServe says what a Deployment lacks until all its Pods are as its template says,
// ready, and no other is left.
func allServe(replicas int32) func(*appsv1.Deployment) string {
	return func(d *appsv1.Deployment) string {
		s := d.Status
		if s.ObservedGeneration != d.Generation || s.UpdatedReplicas != replicas || s.Replicas != replicas || s.ReadyReplicas != replicas || s.AvailableReplicas != replicas {
			return fmt.Sprintf("want %d Pods of generation %d; generation seen %d, Pods %d, of the present template %d, ready %d, available %d",
				replicas, d.Generation, s.ObservedGeneration, s.Replicas, s.UpdatedReplicas, s.ReadyReplicas, s.AvailableReplicas)
		}
		return ""
	}
}

// Three replicas share a database, and any of them serves what another registered.
func TestPostgresWithThreeReplicas(t *testing.T) {
	a := sharedServer(t)
	cluster.Await(t, the, deployment(shared), time.Minute, "a server on PostgreSQL is Ready", allServe(sharedReplicas))
	c := a.client(t)
	for range 3 * sharedReplicas { // each a connection of its own, so that every replica is asked
		token, err := a.token(t.Context(), c)
		if err == nil {
			err = a.verified(t.Context(), c, token)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	as := server(shared)
	cluster.Await(t, the, as, 20*time.Second, "all replicas serve", func(as *v1alpha1.AuthorizationServer) string {
		if m := as.Status.Managed; m == nil || m.ReadyReplicas != sharedReplicas || m.Replicas != sharedReplicas {
			return fmt.Sprintf("status.managed is %+v", m)
		}
		return ""
	})
}
