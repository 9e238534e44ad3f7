package main

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strings"
	"time"

	api "clientele.dev/clientele/api/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// hydraMaester is what the notes below compare with: hydra-maester with Hydra,
// 2,000 clients, on a machine of this size.
const hydraMaester = "hydra-maester: "

// failures puts the field's known failures to the stack with all clients in it.
// Each figure must be zero.
func (b *bench) failures(ctx context.Context) error {
	b.report.section("Known failures of the field")
	for _, test := range []func(context.Context) error{
		b.twinsAfterKill, b.failedAfterOutage, b.deletedSecrets, b.wipedDatabase, b.orderlyDeletion,
	} {
		if err := test(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) zero(name string, n int, theirs string) {
	b.report.add(figure{name: name, value: fmt.Sprint(n), goal: "0", note: hydraMaester + theirs})
}

// twinsAfterKill kills the operator while clients are being registered and
// counts the clients at the server that are too many afterwards.
func (b *bench) twinsAfterKill(ctx context.Context) error {
	const clients = 50
	before, err := b.clientsAtServer(ctx)
	if err != nil {
		return err
	}
	for i := range clients {
		if err := b.bed.client.Create(ctx, newClient(namespace(1), fmt.Sprintf("killed-%d", i))); err != nil {
			return err
		}
		if i == clients/2 {
			if err := b.bed.KillOperator(); err != nil {
				return err
			}
		}
	}
	if _, err := b.bed.StartOperator(ctx); err != nil {
		return err
	}
	if err := b.awaitReady(ctx, clients, 2*time.Minute); err != nil {
		return err
	}
	after, err := b.clientsAtServer(ctx)
	b.zero("twins at the server after the operator was killed", after-before-clients, "4 from 5")
	return err
}

// failedAfterOutage stops the server for ten seconds while clients are created.
func (b *bench) failedAfterOutage(ctx context.Context) error {
	const clients = 100
	if err := b.bed.StopServer(); err != nil {
		return err
	}
	for i := range clients {
		if err := b.bed.client.Create(ctx, newClient(namespace(2), fmt.Sprintf("outage-%d", i))); err != nil {
			return err
		}
	}
	if err := sleep(ctx, 10*time.Second); err != nil {
		return err
	}
	begin := time.Now()
	if _, err := b.bed.StartServer(ctx); err != nil {
		return err
	}
	waited := b.awaitReady(ctx, clients, time.Minute)
	list, err := b.listClients(ctx)
	if err != nil {
		return err
	}
	b.zero("clients that stay failed after ten seconds without a server", len(list)-countReady(list), "100 of 100")
	b.report.add(figure{name: "server back → all Ready", value: round(time.Since(begin)).String()})
	return waited
}

// deletedSecrets deletes credentials Secrets and counts those that do not come
// back with the values they had.
func (b *bench) deletedSecrets(ctx context.Context) error {
	var list corev1.SecretList
	err := b.bed.client.List(ctx, &list, client.InNamespace(namespace(3)), client.MatchingLabels{api.LabelSecretKind: api.SecretKindCredentials})
	if err != nil {
		return err
	}
	begin := time.Now()
	for i := range list.Items {
		if err := b.bed.client.Delete(ctx, &list.Items[i]); err != nil {
			return err
		}
	}
	missing := len(list.Items)
	waited := eventually(ctx, "deleted Secrets", time.Minute, func(ctx context.Context) (bool, error) {
		missing, err = b.notRestored(ctx, list.Items)
		return missing == 0, err
	})
	b.zero(fmt.Sprintf("deleted credentials Secrets not restored, of %d", len(list.Items)), missing, "all")
	b.report.add(figure{name: "deleted → all restored with the same values", value: round(time.Since(begin)).String()})
	return waited
}

func (b *bench) notRestored(ctx context.Context, wanted []corev1.Secret) (int, error) {
	var list corev1.SecretList
	if err := b.bed.client.List(ctx, &list, client.InNamespace(wanted[0].Namespace)); err != nil {
		return 0, err
	}
	values := map[string]string{}
	for _, s := range list.Items {
		values[s.Name] = string(s.Data[api.CredentialsKeyClientSecret])
	}
	missing := 0
	for _, s := range wanted {
		if values[s.Name] != string(s.Data[api.CredentialsKeyClientSecret]) {
			missing++
		}
	}
	return missing, nil
}

// wipedDatabase removes the server's database and counts clients that say
// Ready=True while a token cannot be had with their unchanged credentials.
func (b *bench) wipedDatabase(ctx context.Context) error {
	credentials, err := b.allCredentials(ctx)
	if err != nil {
		return err
	}
	if err := b.bed.StopServer(); err != nil {
		return err
	}
	if err := b.bed.WipeServer(); err != nil {
		return err
	}
	begin := time.Now()
	if _, err := b.bed.StartServer(ctx); err != nil {
		return err
	}
	n := len(credentials)
	err = eventually(ctx, "registrations after the wipe", 5*time.Minute, func(ctx context.Context) (bool, error) {
		at, err := b.clientsAtServer(ctx)
		return at >= n, err
	})
	if err != nil {
		return err
	}
	if err := b.awaitReady(ctx, n, 5*time.Minute); err != nil {
		return err
	}
	took := time.Since(begin)
	lying := 0
	for _, c := range credentials {
		if b.getToken(ctx, c) != nil {
			lying++
		}
	}
	b.zero(fmt.Sprintf("Ready=True without a token after the database was wiped, of %d", n), lying, "2,200 of 2,200")
	b.report.add(figure{name: "database wiped → all work with the same secrets", value: round(took).String()})
	return nil
}

func (b *bench) allCredentials(ctx context.Context) ([]map[string][]byte, error) {
	var list corev1.SecretList
	if err := b.bed.client.List(ctx, &list, client.MatchingLabels{api.LabelSecretKind: api.SecretKindCredentials}); err != nil {
		return nil, err
	}
	all := make([]map[string][]byte, len(list.Items))
	for i := range list.Items {
		all[i] = list.Items[i].Data
	}
	return all, nil
}

// orderlyDeletion deletes every OAuthClient, as a person who means it, and
// counts the clients left at the server and the Secrets left in the cluster.
func (b *bench) orderlyDeletion(ctx context.Context) error {
	credentials, err := b.allCredentials(ctx)
	if err != nil {
		return err
	}
	begin := time.Now()
	for i := range scaleNamespaces {
		err := b.bed.client.DeleteAllOf(ctx, &api.OAuthClient{}, client.InNamespace(namespace(i)), client.MatchingLabels{label: "true"})
		if err != nil {
			return err
		}
	}
	left := math.MaxInt
	waited := eventually(ctx, "deregistration", 5*time.Minute, func(ctx context.Context) (bool, error) {
		if err := b.confirmDeregistration(ctx); err != nil {
			return false, err
		}
		if left, err = b.clientsAtServer(ctx); err != nil {
			return false, err
		}
		return left == 0, sleep(ctx, 200*time.Millisecond)
	})
	took := time.Since(begin)
	alive := 0
	for _, c := range credentials {
		if b.getToken(ctx, c) == nil {
			alive++
		}
	}
	b.zero(fmt.Sprintf("clients left at the server after deleting %d", len(credentials)), left, "1,547")
	b.zero("deleted clients that still get tokens", alive, "1,547")
	b.report.add(figure{name: "deleted → all gone at the server (mass deletion confirmed)", value: round(took).String()})
	return waited
}

// clientsAtServer is how many clients the server holds, by its own gauge.
func (b *bench) clientsAtServer(ctx context.Context) (int, error) {
	s, err := scrape(ctx, b.http, b.bed.ServerMetrics())
	return int(s.sum("clientele_clients")), err
}

// confirmation is the value that a DeregistrationPaused condition asks for.
var confirmation = regexp.MustCompile(regexp.QuoteMeta(api.AnnotationConfirmDeregistration) + `=(\S+)`)

// confirmDeregistration does what the DeregistrationPaused condition's message
// says, if there is one.
func (b *bench) confirmDeregistration(ctx context.Context) error {
	var server api.AuthorizationServer
	if err := b.bed.client.Get(ctx, serverKey(), &server); err != nil {
		return err
	}
	paused := meta.FindStatusCondition(server.Status.Conditions, api.ConditionDeregistrationPaused)
	if paused == nil || paused.Status != metav1.ConditionTrue {
		return nil
	}
	asked := confirmation.FindStringSubmatch(paused.Message)
	if asked == nil {
		return fmt.Errorf("the condition does not say how to confirm: %s", paused.Message)
	}
	value := strings.Trim(asked[1], `"'.,`)
	if server.Annotations[api.AnnotationConfirmDeregistration] == value {
		return nil
	}
	before := server.DeepCopy()
	metav1.SetMetaDataAnnotation(&server.ObjectMeta, api.AnnotationConfirmDeregistration, value)
	return b.bed.client.Patch(ctx, &server, client.MergeFrom(before))
}
