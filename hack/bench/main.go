// Command bench measures what the project promises, each figure beside its goal
// and, where it is a speed, beside a ceiling that was measured in the same run.
// `make bench` runs it; it writes hack/bench/RESULTS.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	api "clientele.dev/clientele/api/v1alpha1"
)

// bench is one run.
type bench struct {
	bed    *bed
	report *report
	http   *http.Client
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == "ceiling" {
		exit(ceiling(os.Args[2], os.Args[3:]))
	}
	parts := flag.String("parts", "tokens,latency,scale,failures", "what to measure, comma-separated; failures needs scale")
	out := flag.String("out", "hack/bench/RESULTS.md", "file that takes the report")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exit(run(ctx, strings.Split(*parts, ","), *out))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func ceiling(name string, args []string) error {
	switch {
	case name == "sign" && len(args) == 2:
		d, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		return signCeiling(args[0], d)
	case name == "http" && len(args) == 1:
		return httpCeiling(args[0])
	}
	return fmt.Errorf("unknown ceiling %s %v", name, args)
}

func run(ctx context.Context, parts []string, out string) (err error) {
	b := &bench{report: &report{out: os.Stdout}, http: &http.Client{Timeout: 30 * time.Second}}
	if b.bed, err = newBed(ctx); err != nil {
		return err
	}
	defer func() {
		if stopped := b.bed.stop(err != nil); err == nil {
			err = stopped
		}
	}()
	if err := b.namespaces(ctx, scaleNamespaces); err != nil {
		return err
	}
	for _, part := range parts {
		if err := b.part(ctx, part); err != nil {
			return fmt.Errorf("%s: %w", part, err)
		}
	}
	if err := b.report.write(out, machine(), time.Now()); err != nil {
		return err
	}
	fmt.Println("\nwritten to", out)
	return nil
}

func (b *bench) part(ctx context.Context, name string) error {
	switch name {
	case "tokens":
		for _, algorithm := range []api.SigningAlgorithm{api.RS256, api.ES256} {
			if err := b.tokens(ctx, algorithm); err != nil {
				return err
			}
		}
		return nil
	case "latency":
		return b.latency(ctx)
	case "scale":
		return b.scale(ctx)
	case "failures":
		return b.failures(ctx)
	}
	return fmt.Errorf("no such part")
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
