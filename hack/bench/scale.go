package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	api "clientele.dev/clientele/api/v1alpha1"
	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	scaleClients    = 2000
	scaleNamespaces = 20
	creators        = 8
	quietMinute     = time.Minute
)

// counts are the counters that a phase is judged by.
type counts struct {
	secretWrites, statusWrites, eventWrites, conflicts float64 // at the API server
	apiRequests, apiWrites                             float64 // of the operator, leases excepted
	registrations, otherRequests                       float64 // at the authorization server
	cpu                                                time.Duration
}

func (b *bench) count(ctx context.Context) (counts, error) {
	var c counts
	apiserver, err := b.bed.apiServerMetrics(ctx)
	if err != nil {
		return c, err
	}
	for _, verb := range []string{`verb="POST"`, `verb="PUT"`, `verb="PATCH"`, `verb="APPLY"`, `verb="DELETE"`} {
		c.secretWrites += apiserver.sum("apiserver_request_total", `resource="secrets"`, verb)
		c.statusWrites += apiserver.sum("apiserver_request_total", `resource="oauthclients"`, `subresource="status"`, verb)
		c.eventWrites += apiserver.sum("apiserver_request_total", `resource="events"`, verb)
		c.conflicts += apiserver.sum("apiserver_request_total", `resource="secrets"`, verb, `code="409"`) +
			apiserver.sum("apiserver_request_total", `resource="oauthclients"`, verb, `code="409"`)
	}
	operator, err := scrape(ctx, b.http, b.bed.OperatorMetrics())
	if err != nil {
		return c, err
	}
	c.apiRequests = operator.sum("rest_client_requests_total")
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		c.apiWrites += operator.sum("rest_client_requests_total", fmt.Sprintf("method=%q", method))
	}
	server, err := scrape(ctx, b.http, b.bed.ServerMetrics())
	if err != nil {
		return c, err
	}
	c.registrations = server.sum("clientele_http_requests_total", `route="register"`) +
		server.sum("clientele_http_requests_total", `route="client"`)
	for _, route := range []string{`route="policy"`, `route="inventory"`, `route="changes"`, `route="replicas"`} {
		c.otherRequests += server.sum("clientele_http_requests_total", route)
	}
	c.cpu, err = cpuTime(b.bed.OperatorPID())
	return c, err
}

// scale applies many OAuthClients at once and measures until all are ready.
func (b *bench) scale(ctx context.Context) error {
	b.report.section(fmt.Sprintf("%d OAuthClients at once over %d namespaces", scaleClients, scaleNamespaces))
	before, err := b.count(ctx)
	if err != nil {
		return err
	}
	sharesBefore, err := sharesNow()
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := b.createMany(ctx); err != nil {
		return err
	}
	created := time.Since(begin)
	if err := b.awaitReady(ctx, scaleClients, 5*time.Minute); err != nil {
		return err
	}
	took := time.Since(begin)
	sharesAfter, err := sharesNow()
	if err != nil {
		return err
	}
	after, err := b.count(ctx)
	if err != nil {
		return err
	}
	cpu, whose := sharesAfter.since(sharesBefore, scaleClients)
	most, own, err := memory(b.bed.OperatorPID())
	if err != nil {
		return err
	}
	per := func(total float64) string { return fmt.Sprintf("%.2f", total/scaleClients) }
	writes := after.secretWrites + after.statusWrites - before.secretWrites - before.statusWrites
	b.report.add(figure{name: "time to all Ready", value: round(took).String(), note: "creating them took " + round(created).String()})
	b.report.add(figure{name: "clients per second", value: fmt.Sprintf("%.0f", scaleClients/took.Seconds()), goal: "100", note: "hydra-maester: 17-23"})
	b.report.add(figure{name: "object writes per client (Secrets, status)", value: per(writes), goal: "3", note: "hydra-maester: 3"})
	b.report.add(figure{name: "events per client", value: per(after.eventWrites - before.eventWrites), goal: "0"})
	b.report.add(figure{name: "requests to the authorization server per client", value: per(after.registrations - before.registrations), goal: "1",
		note: fmt.Sprintf("hydra-maester: 3; and %.0f long polls in all", after.otherRequests-before.otherRequests)})
	b.report.add(figure{name: "conflicts", value: fmt.Sprintf("%.0f", after.conflicts-before.conflicts), goal: "0"})
	b.report.add(figure{name: "operator memory, most", value: fmt.Sprintf("%.0f MiB", most), goal: "< 70 MiB", note: fmt.Sprintf("%.0f MiB of it its own, the rest pages of the binary", own)})
	b.report.add(figure{name: "operator CPU per client", value: round((after.cpu - before.cpu) / scaleClients).String(), goal: "< 5 ms", note: "hydra-maester: 11-16 ms"})
	b.report.add(figure{name: "CPU per client of all processes", value: round(cpu).String(),
		note: fmt.Sprintf("%s; at this, %d cores allow %.0f clients a second", whose, runtime.NumCPU(), float64(runtime.NumCPU())/cpu.Seconds())})
	return b.quiet(ctx)
}

// quiet counts what the operator does while nothing happens.
func (b *bench) quiet(ctx context.Context) error {
	if err := sleep(ctx, 10*time.Second); err != nil { // what the arrival left behind
		return err
	}
	before, err := b.count(ctx)
	if err != nil {
		return err
	}
	if err := sleep(ctx, quietMinute); err != nil {
		return err
	}
	after, err := b.count(ctx)
	if err != nil {
		return err
	}
	leases := quietMinute.Seconds() / 2 // leader election renews every two seconds
	writes := after.secretWrites + after.statusWrites + after.eventWrites - before.secretWrites - before.statusWrites - before.eventWrites
	b.report.add(figure{name: "object writes in an idle minute", value: fmt.Sprintf("%.0f", writes), goal: "0"})
	b.report.add(figure{
		name: "API requests of the operator in an idle minute", value: fmt.Sprintf("%.0f", after.apiRequests-before.apiRequests),
		note: fmt.Sprintf("%.0f of them writes; leader election alone makes about %.0f of either", after.apiWrites-before.apiWrites, leases),
	})
	b.report.add(figure{name: "operator CPU in an idle minute", value: round(after.cpu - before.cpu).String()})
	return nil
}

// createMany creates the OAuthClients, some at a time, round robin over the namespaces.
func (b *bench) createMany(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	for i := range scaleClients {
		group.Go(func() error {
			return b.bed.client.Create(ctx, newClient(namespace(i%scaleNamespaces), scaleName(i)))
		})
	}
	return group.Wait()
}

func scaleName(i int) string { return fmt.Sprintf("scale-%d", i) }

// listClients lists the OAuthClients that the bench made.
func (b *bench) listClients(ctx context.Context) ([]api.OAuthClient, error) {
	var list api.OAuthClientList
	err := b.bed.client.List(ctx, &list, client.MatchingLabels{label: "true"})
	return list.Items, err
}

// awaitReady waits until at least n OAuthClients, and all there are, are ready. A
// list of this size takes the API server a tenth of a second, and the measurement
// must not be the load: between two lists only the newest that is not ready yet is
// looked at.
func (b *bench) awaitReady(ctx context.Context, n int, within time.Duration) error {
	var behind *api.OAuthClient
	return eventually(ctx, fmt.Sprintf("%d ready OAuthClients", n), within, func(ctx context.Context) (bool, error) {
		if behind != nil {
			err := b.bed.client.Get(ctx, client.ObjectKeyFromObject(behind), behind)
			if err == nil && !ready(behind.Status.Conditions) {
				return false, nil
			}
			if client.IgnoreNotFound(err) != nil {
				return false, err
			}
		}
		if err := sleep(ctx, 250*time.Millisecond); err != nil {
			return false, err
		}
		list, err := b.listClients(ctx)
		behind = newestNotReady(list)
		return err == nil && len(list) >= n && behind == nil, err
	})
}

func newestNotReady(list []api.OAuthClient) *api.OAuthClient {
	var newest *api.OAuthClient
	for i := range list {
		c := &list[i]
		if !ready(c.Status.Conditions) && (newest == nil || newest.CreationTimestamp.Before(&c.CreationTimestamp)) {
			newest = c
		}
	}
	return newest
}

func countReady(list []api.OAuthClient) int {
	n := 0
	for i := range list {
		if ready(list[i].Status.Conditions) {
			n++
		}
	}
	return n
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
