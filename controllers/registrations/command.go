// Package registrations is the command with which people look after the clients
// that registered themselves (RFC 7591): who is there, and away with one.
//
// It runs at a desk, with the kubeconfig of whoever calls it. From the API server it
// gets the address of the authorization server and a ServiceAccount token for ten
// minutes, with which it calls the registrar API as the operator does.
package registrations

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/registrar"
)

// Options of the command. Both are required.
type Options struct {
	Now func() time.Time
	// UserAgent that the API server sees.
	UserAgent string
}

// flags of every subcommand.
type flags struct {
	Options
	kubeconfig, context string
	server, account     string // namespace/name
	url                 string
	output              string
}

// Command makes `registrations` with its subcommands.
func Command(o Options) *cobra.Command {
	f := &flags{Options: o}
	cmd := &cobra.Command{
		Use:   "registrations",
		Short: "See and revoke the clients that registered themselves",
		Long: "Lists, shows and revokes clients that registered themselves at the authorization server (RFC 7591).\n" +
			"It needs the rights of Role clientele-registrations-admin, which config/rbac has.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	p := cmd.PersistentFlags()
	p.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file; empty: as kubectl finds it")
	p.StringVar(&f.context, "context", "", "context in the kubeconfig; empty: the current one")
	p.StringVar(&f.server, "authorization-server", "clientele-system/default", "namespace/name of the AuthorizationServer")
	p.StringVar(&f.account, "service-account", "clientele-system/clientele-registrations", "namespace/name of the ServiceAccount to call the server as; it needs RBAC verb manage on the AuthorizationServer")
	p.StringVar(&f.url, "url", "", "URL by which the server is reached from here, such as a forwarded port; empty: the AuthorizationServer's")
	p.StringVarP(&f.output, "output", "o", "table", "table or json")
	cmd.AddCommand(
		f.subcommand("list", "List them", cobra.NoArgs, f.list),
		f.subcommand("show CLIENT_ID", "Show one", cobra.ExactArgs(1), f.show),
		f.subcommand("revoke CLIENT_ID...", "Remove some, and end everything that was issued to them; asks nothing", cobra.MinimumNArgs(1), f.revoke),
	)
	return cmd
}

// action is what a subcommand does at the server.
type action func(ctx context.Context, s *registrar.Server, p printer, args []string) error

func (f *flags) subcommand(use, short string, args cobra.PositionalArgs, do action) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		if f.output != "table" && f.output != "json" {
			return fmt.Errorf("--output %q: want table or json", f.output)
		}
		for _, id := range args {
			if !oauth.ValidClientID(id) {
				return fmt.Errorf("%q is not a client id", id)
			}
		}
		c, err := f.connect(cmd.Context())
		if err != nil {
			return err
		}
		p := printer{out: cmd.OutOrStdout(), notes: cmd.ErrOrStderr(), json: f.output == "json", now: f.Now()}
		return c.explain(do(cmd.Context(), c.server, p, args))
	}}
}

func (f *flags) list(ctx context.Context, s *registrar.Server, p printer, _ []string) error {
	clients, err := s.ListSelfRegistered(ctx)
	if err != nil {
		return err
	}
	return p.list(clients)
}

func (f *flags) show(ctx context.Context, s *registrar.Server, p printer, args []string) error {
	c, found, err := s.ReadSelfRegistered(ctx, args[0])
	if err == nil && !found {
		err = fmt.Errorf("no client %s registered itself; `clientele registrations list` shows who did", args[0])
	}
	if err != nil {
		return err
	}
	return p.show(c)
}

// revoke goes on after one that it could not revoke, and tells of all.
func (f *flags) revoke(ctx context.Context, s *registrar.Server, p printer, args []string) error {
	var errs []error
	slices.Sort(args)
	for _, id := range slices.Compact(args) {
		ended, err := s.RevokeSelfRegistered(ctx, id)
		if err == nil {
			err = p.revoked(ended)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("client %s: %w", id, err))
		}
	}
	return errors.Join(errs...)
}

// split takes namespace/name apart.
func split(flag, value string) (registrar.Key, error) {
	namespace, name, ok := strings.Cut(value, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return registrar.Key{}, fmt.Errorf("--%s %q: want namespace/name", flag, value)
	}
	return registrar.Key{Namespace: namespace, Name: name}, nil
}
