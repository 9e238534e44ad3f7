// Command bench measures what the project promises, each figure beside its goal
// and, where it is a speed, beside a ceiling that was measured in the same run.
// `make bench` runs it; it writes hack/bench/RESULTS.md.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	api "clientele.dev/clientele/api/v1alpha1"
)

// bench is one run.
type bench struct {
	bed    *bed // nil until a part needs it
	report *report
	http   *http.Client
	// profiles is the directory for CPU profiles; empty: none are taken.
	profiles string
}

// part is something that can be measured by itself.
type part struct {
	name string
	run  func(b *bench, ctx context.Context) error
	// needsBed: it is measured on the whole stack.
	needsBed bool
}

// parts in the order in which they run; failures uses what scale leaves behind.
var parts = []part{
	{"flows", (*bench).flows, false},
	{"revocation", (*bench).revocation, false},
	{"tokens", (*bench).allTokens, true},
	{"latency", (*bench).latency, true},
	{"scale", (*bench).scale, true},
	{"failures", (*bench).failures, true},
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "other" {
		exit(other(os.Args[2], os.Args[3:]))
	}
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	all := strings.Join(names, ",")
	only := flag.String("parts", all, "what to measure, comma-separated; failures needs scale")
	out := flag.String("out", "hack/bench/RESULTS.md", "file that takes the report; sections of other parts stay in it")
	b := &bench{report: &report{out: os.Stdout}, http: &http.Client{Timeout: 30 * time.Second}}
	flag.StringVar(&b.profiles, "profiles", "", "directory for CPU profiles of the servers of flows; empty: none")
	flag.Parse()
	ctrllog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(b.run(ctx, cmp.Or(*only, all), *out))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run the parts. One that fails does not keep the others from being measured, and
// what was measured is written.
func (b *bench) run(ctx context.Context, only, out string) (err error) {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.stop(err != nil)) }()
	var errs []error
	for _, p := range chosen {
		if ctx.Err() != nil {
			break
		}
		if err := b.part(ctx, p); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", p.name, "FAILED:", err)
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
		}
	}
	if err := b.report.write(out, machine(), time.Now()); err != nil {
		return errors.Join(append(errs, err)...)
	}
	fmt.Println("\nwritten to", out)
	return errors.Join(append(errs, ctx.Err())...)
}

func choose(only string) ([]part, error) {
	var chosen []part
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == strings.TrimSpace(name) })
		if i < 0 {
			return nil, fmt.Errorf("there is no part %q", name)
		}
		chosen = append(chosen, parts[i])
	}
	return chosen, nil
}

// part runs one, on the stack if it needs that.
func (b *bench) part(ctx context.Context, p part) (err error) {
	if p.needsBed && b.bed == nil {
		if b.bed, err = newBed(ctx); err != nil {
			return err
		}
		if err := b.namespaces(ctx, scaleNamespaces); err != nil {
			return err
		}
	}
	begin := time.Now()
	err = p.run(b, ctx)
	fmt.Printf("\n(%s took %s)\n", p.name, time.Since(begin).Round(time.Second))
	return err
}

func (b *bench) stop(failed bool) error {
	if b.bed == nil {
		return nil
	}
	return b.bed.stop(failed)
}

// allTokens measures tokens for each algorithm.
func (b *bench) allTokens(ctx context.Context) error {
	for _, algorithm := range []api.SigningAlgorithm{api.RS256, api.ES256} {
		if err := b.tokens(ctx, algorithm); err != nil {
			return err
		}
	}
	return nil
}

func perSecond(n float64) string { return fmt.Sprintf("%.0f /s", n) }
func percent(f float64) string   { return fmt.Sprintf("%.0f %%", 100*f) }

// round keeps three digits or so; more would pretend a precision that is not there.
func round(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 10*unit {
			return d.Round(unit / 10)
		}
	}
	return d.Round(time.Microsecond / 100)
}
