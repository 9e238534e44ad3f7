package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"time"

	api "clientele.dev/clientele/api/v1alpha1"
)

var connections = []int{1, 16, 64}

// tokens measures machine tokens per second on one core for one algorithm,
// beside what bare signing and bare net/http allow together.
func (b *bench) tokens(ctx context.Context, algorithm api.SigningAlgorithm) error {
	b.report.section(fmt.Sprintf("Machine tokens on one core, %s", algorithm))
	if err := b.useAlgorithm(ctx, algorithm); err != nil {
		return err
	}
	req, err := b.tokenRequest(ctx)
	if err != nil {
		return err
	}
	if _, err := load(ctx, b.bed.addr(), repeat(req, 16), time.Second); err != nil {
		return fmt.Errorf("warm the server up: %w", err)
	}
	for _, n := range connections {
		if err := b.tokensAt(ctx, req, n, string(algorithm)); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) tokensAt(ctx context.Context, req request, connections int, algorithm string) error {
	writes := 0.0
	under := func(ctx context.Context) (one loadResult, cpu time.Duration, err error) {
		before, err := b.storeWrites(ctx)
		if err != nil {
			return one, 0, err
		}
		if one, cpu, err = loadOf(ctx, b.bed.ServerPID(), b.bed.addr(), repeat(req, connections)); err != nil {
			return one, 0, err
		}
		after, err := b.storeWrites(ctx)
		writes += after - before
		return one, cpu, err
	}
	t, err := inTurns(ctx, under, func(one loadResult) []ceiling {
		return []ceiling{bareSignature(algorithm, 1), constantAnswer(req, one.bodySize, connections, 1)}
	})
	if err != nil {
		return err
	}
	at := fmt.Sprintf(", %d connections", connections)
	goal := ""
	if connections == 16 {
		goal = ">= 80 %, aim 90 %"
	}
	for _, c := range t.ceilings {
		b.report.add(figure{name: "ceiling: " + c.name + "s per second" + at, value: perSecond(c.perSecond.median()), note: c.perSecond.spread(perSecond)})
	}
	b.report.add(figure{name: "tokens per second" + at, value: perSecond(t.got.median()), note: t.got.spread(perSecond) + "; " + t.all.percentiles()})
	b.report.add(figure{name: "share of 1/(1/sign + 1/http)" + at, value: percent(t.share.median()), goal: goal, note: t.share.spread(percent)})
	b.report.add(figure{name: "share in CPU time" + at, value: percent(t.cpuShare.median()), note: t.cpuShare.spread(percent)})
	b.report.add(figure{name: "CPU time per token" + at, value: round(t.cpuOfOne()).String()})
	b.report.add(figure{
		name: "store writes per 1,000 tokens" + at, value: fmt.Sprintf("%.3f", 1000*writes/float64(t.all.operations)),
		goal: "0", note: fmt.Sprintf("%.0f in all, the replica's lease", writes),
	})
	return nil
}

// tokenRequest makes a client of its own and the request with which it gets tokens.
func (b *bench) tokenRequest(ctx context.Context) (request, error) {
	credentials, err := b.oneClient(ctx, "tokens")
	if err != nil {
		return nil, err
	}
	endpoint, err := url.Parse(string(credentials[api.CredentialsKeyTokenEndpoint]))
	if err != nil {
		return nil, err
	}
	basic := base64.StdEncoding.EncodeToString([]byte(
		string(credentials[api.CredentialsKeyClientID]) + ":" + string(credentials[api.CredentialsKeyClientSecret])))
	return post(endpoint.Host, endpoint.Path, basic, "grant_type=client_credentials"), nil
}

func (b *bench) storeWrites(ctx context.Context) (float64, error) {
	s, err := scrape(ctx, b.http, b.bed.ServerMetrics())
	return s.sum("clientele_store_writes_total"), err
}
