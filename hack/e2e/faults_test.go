package e2e

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/hack/e2e/internal/cluster"
)

// patch an AuthorizationServer.
func patch(t testing.TB, name, merge string) {
	t.Helper()
	the.Kubectl(t, "patch", "authorizationserver", name, "-n", systemNamespace, "--type=merge", "-p", merge)
}

// condition waits for one of an AuthorizationServer.
func condition(t testing.TB, name string, within time.Duration, why, condition string, status metav1.ConditionStatus, reason string) metav1.Condition {
	t.Helper()
	return cluster.AwaitCondition(t, the, server(name), within, why, condition, status, reason)
}

// An image that does not exist is named by the condition, and the Pods of the present
// image go on serving.
func TestImageThatDoesNotExist(t *testing.T) {
	a := sharedServer(t)
	patch(t, shared, `{"spec":{"managed":{"image":"registry.invalid/clientele:none"}}}`)
	back := undo(func() { restore(shared, `{"spec":{"managed":{"image":null}}}`) })
	defer back()
	c := condition(t, shared, time.Minute, "an image that does not exist was set", v1alpha1.ConditionDeployed, metav1.ConditionFalse, v1alpha1.ReasonImageUnavailable)
	if !strings.Contains(c.Message, "registry.invalid/clientele:none") {
		t.Errorf("the condition does not name the image: %s", c.Message)
	}
	a.mustWork(t, "while the new image cannot be pulled")
	back()
	cluster.Ready(t, the, server(shared), time.Minute, "the image that exists is back")
	cluster.Await(t, the, deployment(shared), time.Minute, "the image that exists is back", allServe(sharedReplicas))
}

// restore an AuthorizationServer by a patch, at the end of a scenario that may have failed.
func restore(name, merge string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := the.Run(ctx, "", "kubectl", "patch", "authorizationserver", name, "-n", systemNamespace, "--type=merge", "-p", merge); err != nil {
		fmt.Println("e2e: clean up:", err)
	}
}

// A connection string that is missing, wrong, right, changed: the condition says which
// of these, and what is right works without a restart.
func TestConnectionStringMissingWrongChanged(t *testing.T) {
	t.Parallel()
	sharedServer(t) // its database serves here too
	const name, secret = "dsn", "pg-dsn"
	t.Cleanup(func() { removeServer(t, name, "secret/"+secret) })
	db := sharedBegun.database
	for _, statements := range []string{
		`CREATE ROLE dsn LOGIN PASSWORD 'first'; CREATE SCHEMA AUTHORIZATION dsn`,
		`CREATE ROLE dsn2 LOGIN PASSWORD 'second' IN ROLE dsn; ALTER ROLE dsn2 SET role = dsn; ALTER ROLE dsn2 SET search_path = dsn`,
		`CREATE DATABASE elsewhere OWNER dsn`, // by itself: it cannot run in a transaction
	} {
		if err := db.Exec(t.Context(), "", statements); err != nil {
			t.Fatal(err)
		}
	}

	the.Apply(t, serverManifest(name, `
    replicas: 1
    storage: {type: Postgres, postgres: {dsnSecretRef: {name: `+secret+`}}}`))
	c := condition(t, name, 30*time.Second, "the Secret with the connection string does not exist", v1alpha1.ConditionStorageReady, metav1.ConditionFalse, v1alpha1.ReasonSecretMissing)
	if !strings.Contains(c.Message, secret) {
		t.Errorf("the condition does not name the Secret %s: %s", secret, c.Message)
	}

	putDSN(t, secret, "dsn", "wrong-password", "postgres")
	c = condition(t, name, 2*time.Minute, "the password is wrong", v1alpha1.ConditionStorageReady, metav1.ConditionFalse, v1alpha1.ReasonRefused)
	if strings.Contains(c.Message, "wrong-password") {
		t.Errorf("the condition tells the password: %s", c.Message)
	}

	putDSN(t, secret, "dsn", "first", "postgres")
	cluster.Ready(t, the, server(name), 3*time.Minute, "the connection string was corrected")
	before := pods(t, name)[0]

	// Another role with the same rights: the kubelet brings the Secret within two
	// minutes, and no Pod is restarted for it.
	putDSN(t, secret, "dsn2", "second", "postgres")
	if err := db.Exec(t.Context(), "", `ALTER ROLE dsn NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'dsn'`); err != nil {
		t.Fatal(err)
	}
	cluster.Eventually(t, 3*time.Minute, "the role in the connection string was changed, and the old one locked", func(ctx context.Context) error {
		return db.Exec(ctx, "", `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE usename = 'dsn2') THEN RAISE 'no connection of the new role'; END IF; END $$`)
	})
	cluster.Ready(t, the, server(name), time.Minute, "the server uses the new role")

	putDSN(t, secret, "dsn2", "second", "elsewhere")
	condition(t, name, 4*time.Minute, "the connection string names another database", v1alpha1.ConditionStorageReady, metav1.ConditionTrue, v1alpha1.ReasonRestartNeeded)
	after := pods(t, name)[0]
	if after.UID != before.UID || after.Status.ContainerStatuses[0].RestartCount != before.Status.ContainerStatuses[0].RestartCount {
		t.Errorf("Pod %s was replaced or restarted (now %s, %d restarts) for a changed connection string", before.Name, after.Name, after.Status.ContainerStatuses[0].RestartCount)
	}
}

// removeServer with what is kept for one of the same name.
func removeServer(t testing.TB, name string, others ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	kept := append([]string{"secret/" + serviceName(name) + "-ca", "secret/" + name + "-signing-keys", "secret/" + name + "-server-keys"}, others...)
	for _, args := range [][]string{
		{"delete", "authorizationserver/" + name, "namespaceaccess/" + name, "-n", systemNamespace, "--ignore-not-found", "--wait"},
		append([]string{"delete", "-n", systemNamespace, "--ignore-not-found"}, kept...),
	} {
		if _, err := the.Run(ctx, "", "kubectl", args...); err != nil {
			t.Errorf("clean up: %v", err)
		}
	}
}

// With the API server away for a minute, tokens are issued as if nothing were.
func TestLongAPIServerAwayForAMinute(t *testing.T) {
	a := sharedServer(t)
	the.NeedLab(t)
	r := a.load(t, perSecond)
	warm(t, r)
	pid := the.Lab.PID(t, "apiserver")
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	resume := undo(func() {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
			fmt.Println("e2e: let the API server go on:", err)
		}
	})
	defer resume()
	stopped := r.Elapsed()
	cluster.Eventually(t, 2*time.Minute, "the API server is stopped", func(context.Context) error {
		if r.Elapsed() < stopped+time.Minute {
			return errors.New("a minute is not over")
		}
		return nil
	})
	resume()
	result := r.Stop()
	none(t, result, "a minute without the API server")
	cluster.Eventually(t, time.Minute, "the API server goes on", func(ctx context.Context) error {
		_, err := the.Run(ctx, "", "kubectl", "get", "--raw", "/readyz", "--request-timeout=5s")
		return err
	})
	// The operator may have lost its Lease, and another leads: 15 s.
	the.Namespace(t, "afterwards")
	newApp(t, "afterwards", "orders", shared).mustWork(t, "a client that was applied after the API server came back")
	cluster.Ready(t, the, server(shared), time.Minute, "the API server is back")
}

// A volume that is full stops writes: the condition says so, tokens are issued, and
// with space again everything works.
func TestVolumeFull(t *testing.T) {
	t.Parallel()
	installation(t)
	the.NeedNode(t)
	the.NeedLab(t)
	const name = "full"
	folder := the.Lab.State + "/volumes/" + name
	the.Must(t, "mkdir", "-p", folder)
	the.Must(t, "mount", "-t", "tmpfs", "-o", "size=20m,mode=777", "tmpfs", folder)
	unmount := undo(func() {
		if out, err := exec.Command("umount", folder).CombinedOutput(); err != nil {
			fmt.Printf("e2e: clean up: umount %s: %v %s\n", folder, err, out)
		}
	})
	t.Cleanup(func() {
		removeServer(t, name, "pvc/"+serviceName(name)+"-data")
		the.Kubectl(t, "delete", "pv", name, "--ignore-not-found")
		unmount()
	})
	the.Apply(t, fmt.Sprintf(`
apiVersion: v1
kind: PersistentVolume
metadata: {name: %[1]s}
spec:
  storageClassName: %[1]s
  capacity: {storage: 20Mi}
  accessModes: [ReadWriteOnce]
  local: {path: %[2]s}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [%[3]s]}]}]}}
`, name, folder, the.Node.Name))
	the.Apply(t, serverManifest(name, `{storage: {embedded: {volumeClaim: {size: 20Mi, storageClassName: `+name+`}}}}`))
	cluster.Ready(t, the, server(name), 90*time.Second, "a server with a volume was applied")
	the.Namespace(t, "brimful")
	a := newApp(t, "brimful", "orders", name)

	// dd ends with an error, which is the point: the volume takes no more.
	_, err := the.Run(t.Context(), "", "dd", "if=/dev/zero", "of="+folder+"/ballast", "bs=64k")
	if err == nil || !strings.Contains(err.Error(), "No space left") {
		t.Fatalf("filling the volume: %v", err)
	}
	condition(t, name, time.Minute, "the volume was filled", v1alpha1.ConditionStorageReady, metav1.ConditionFalse, v1alpha1.ReasonFull)
	a.mustWork(t, "while the volume is full")

	the.Must(t, "rm", folder+"/ballast")
	cluster.Ready(t, the, server(name), time.Minute, "the volume has space again")
	newApp(t, "brimful", "later", name).mustWork(t, "a client that was applied when the volume had space again")
}
