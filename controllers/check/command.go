package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options of the command. All are required.
type Options struct {
	Now func() time.Time
	// UserAgent of its requests.
	UserAgent string
	// Version of this program.
	Version string
}

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2 // or no API server
	exitWait   = 3 // --wait is over
)

// exitError is an error with the code that the program ends with.
type exitError struct {
	code int
	err  error
}

func (e exitError) Error() string { return e.err.Error() }

// Unwrap returns what the error is about.
func (e exitError) Unwrap() error { return e.err }

// ExitCode is the program's.
func (e exitError) ExitCode() int { return e.code }

// between is the pause between two rounds of --wait.
const between = 2 * time.Second

// flags of `clientele check`.
type flags struct {
	kubeconfig, context       string
	namespace                 string
	operator, operatorAccount string
	server, client            string // namespace/name
	wait                      time.Duration
	output                    string
}

// Command makes `check`.
func Command(o Options) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check an installation, and say what is wrong and what to do",
		Long: "Checks the API server, the CRDs, the operator and what it may do, each AuthorizationServer, its ports,\n" +
			"certificates and keys, and the clocks; with --client also that a token can be had. It changes nothing.\n" +
			"It needs ClusterRole clientele-check and, outside of the cluster, the Role of that name; what is forbidden is a warning.\n\n" +
			"Exit code: 0 nothing failed, 1 a check failed, 2 wrong usage or no API server, 3 checks still fail after --wait.",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exitError{exitUsage, err} })
	p := cmd.Flags()
	p.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file; empty: as kubectl finds it, in a Pod its ServiceAccount")
	p.StringVar(&f.context, "context", "", "context in the kubeconfig; empty: the current one")
	p.StringVar(&f.namespace, "namespace", "clientele-system", "the operator's namespace")
	p.StringVar(&f.operator, "operator", "clientele-operator", "the operator's Deployment in --namespace")
	p.StringVar(&f.operatorAccount, "service-account", "clientele-operator", "the operator's ServiceAccount in --namespace")
	p.StringVar(&f.server, "authorization-server", "", "namespace/name of the one AuthorizationServer to check; empty: all")
	p.StringVar(&f.client, "client", "", "namespace/name of an OAuthClient whose Secret is read to get a token; empty: no token is asked for")
	p.DurationVar(&f.wait, "wait", 0, "repeat until nothing fails, for this long")
	p.StringVarP(&f.output, "output", "o", "text", "text or json")
	cmd.AddCommand(o.tokenCommand(), o.verifyCommand())
	return cmd
}

// usage makes what is wrong with the arguments end with the code of wrong usage.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return exitError{exitUsage, err}
		}
		return nil
	}
}

func (o Options) run(ctx context.Context, f flags, out, notes io.Writer) error {
	k, err := newChecker(o, f)
	if err != nil {
		return exitError{exitUsage, err}
	}
	until := o.Now().Add(f.wait)
	for {
		r, err := k.round(ctx)
		last := !o.Now().Before(until) || ctx.Err() != nil
		switch {
		case err == nil && r.failures() == 0, last && err == nil:
			return errors.Join(r.print(out, f.output == "json"), f.verdict(r))
		case last:
			return exitError{exitUsage, err}
		case err != nil:
			fmt.Fprintf(notes, "waiting: %s\n", clean(err.Error()))
		default:
			fmt.Fprintf(notes, "waiting: %s\n", firstFailure(r))
		}
		pause(ctx, between)
	}
}

func firstFailure(r report) finding {
	for _, f := range r.Findings {
		if f.Level == fail {
			return f
		}
	}
	return finding{}
}

// verdict is how the program ends.
func (f flags) verdict(r report) error {
	n := r.failures()
	switch {
	case n == 0:
		return nil
	case f.wait > 0:
		return exitError{exitWait, fmt.Errorf("%s after waiting for %s", failed(n), f.wait)}
	}
	return exitError{exitFailed, errors.New(failed(n))}
}

func failed(n int) string {
	if n == 1 {
		return "1 check failed"
	}
	return fmt.Sprintf("%d checks failed", n)
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// split takes namespace/name apart; empty stays empty.
func split(flag, value string) (client.ObjectKey, error) {
	if value == "" {
		return client.ObjectKey{}, nil
	}
	namespace, name, found := strings.Cut(value, "/")
	if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
		return client.ObjectKey{}, fmt.Errorf("--%s %q: want namespace/name", flag, value)
	}
	return client.ObjectKey{Namespace: namespace, Name: name}, nil
}
