package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	api "clientele.dev/clientele/api/v1alpha1"
)

const (
	tokenRun   = 5 * time.Second // one run of load
	ceilingRun = 3 * time.Second
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
	if _, err := load(ctx, b.bed.addr(), req, 16, time.Second); err != nil {
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
	writesBefore, err := b.storeWrites(ctx)
	if err != nil {
		return err
	}
	cpuBefore, err := cpuTime(b.bed.ServerPID())
	if err != nil {
		return err
	}
	got, err := load(ctx, b.bed.addr(), req, connections, tokenRun)
	if err != nil {
		return err
	}
	cpuAfter, err := cpuTime(b.bed.ServerPID())
	if err != nil {
		return err
	}
	writesAfter, err := b.storeWrites(ctx)
	if err != nil {
		return err
	}
	// Right after the load, for the speed of a shared machine drifts.
	sign, err := ceilingOfSigning(ctx, algorithm)
	if err != nil {
		return err
	}
	bare, err := ceilingOfHTTP(ctx, req, got.bodySize, connections)
	if err != nil {
		return err
	}
	together := 1 / (1/sign + 1/bare)
	at := fmt.Sprintf("%d connections", connections)
	b.report.add(figure{name: "ceiling: bare signatures per second, " + at, value: perSecond(sign)})
	b.report.add(figure{name: "ceiling: constant answers per second, " + at, value: perSecond(bare)})
	goal := ""
	if connections == 16 {
		goal = ">= 80 %, aim 90 %"
	}
	b.report.add(figure{
		name: "tokens per second, " + at, value: perSecond(got.perSecond()),
		note: fmt.Sprintf("p50 %s, p99 %s", round(got.quantile(.5)), round(got.quantile(.99))),
	})
	b.report.add(figure{name: "share of 1/(1/sign + 1/http), " + at, value: percent(got.perSecond() / together), goal: goal})
	b.report.add(figure{name: "CPU time per token, " + at, value: round((cpuAfter - cpuBefore) / time.Duration(got.requests)).String()})
	b.report.add(figure{
		name: "store writes per 1,000 tokens, " + at, value: fmt.Sprintf("%.3f", 1000*(writesAfter-writesBefore)/float64(got.requests)),
		goal: "0", note: fmt.Sprintf("%.0f in all, the replica's lease", writesAfter-writesBefore),
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
	return newRequest(endpoint.Host, endpoint.Path, basic, "grant_type=client_credentials"), nil
}

func (b *bench) storeWrites(ctx context.Context) (float64, error) {
	s, err := scrape(ctx, b.http, b.bed.ServerMetrics())
	return s.sum("clientele_store_writes_total"), err
}

// ceilingOfSigning runs signCeiling in a process with one core.
func ceilingOfSigning(ctx context.Context, algorithm string) (float64, error) {
	out, err := self(ctx, "sign", algorithm, ceilingRun.String()).Output()
	if err != nil {
		return 0, fmt.Errorf("measure the signing ceiling: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// ceilingOfHTTP puts the same load on httpCeiling in a process with one core.
func ceilingOfHTTP(ctx context.Context, req request, size, connections int) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := self(ctx, "http", strconv.Itoa(size))
	out, err := server.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := server.Start(); err != nil {
		return 0, err
	}
	defer func() { cancel(); _ = server.Wait() }() // it was killed, and says so
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("measure the http ceiling: %w", err)
	}
	got, err := load(ctx, strings.TrimSpace(addr), req, connections, ceilingRun)
	return got.perSecond(), err
}

// self runs this program's other half with one core.
func self(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"ceiling"}, args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	return cmd
}
