// Package desk is the commands with which people look after an authorization server:
// the clients that registered themselves there, and the people who are signed in.
//
// They run at a desk, with the kubeconfig of whoever calls them. From the API server
// they get the address of the authorization server and a ServiceAccount token for ten
// minutes, with which they call the registrar API as the operator does.
//
//	command.go        what they have in common: flags, subcommands
//	self_registered.go  `clientele self-registered`
//	people.go         `clientele people`
//	connect.go        the way to the server
//	explain.go        what to do about an error
//	print.go          tables and JSON
package desk

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clientele.dev/clientele/controllers/registrar"
)

// Options of the commands. Both are required.
type Options struct {
	Now func() time.Time
	// UserAgent that the API server sees.
	UserAgent string
}

// flags of every subcommand.
type flags struct {
	Options
	name                string // of the command
	kubeconfig, context string
	server, account     string // namespace/name
	url                 string
	output              string
}

// command makes one without subcommands.
func (o Options) command(name, short, long string) (*cobra.Command, *flags) {
	f := &flags{Options: o, name: name}
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long:  long + "\nIt needs the rights of Role clientele-support-admin, which config/install.yaml has.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	p := cmd.PersistentFlags()
	p.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file; empty: as kubectl finds it")
	p.StringVar(&f.context, "context", "", "context in the kubeconfig; empty: the current one")
	p.StringVar(&f.server, "authorization-server", "clientele-system/default", "namespace/name of the AuthorizationServer")
	p.StringVar(&f.account, "service-account", "clientele-system/clientele-support", "namespace/name of the ServiceAccount to call the server as; it needs RBAC verb manage on the AuthorizationServer")
	p.StringVar(&f.url, "url", "", "URL by which the server is reached from here, such as a forwarded port; empty: the AuthorizationServer's")
	p.StringVarP(&f.output, "output", "o", "table", "table or json")
	return cmd, f
}

// action is what a subcommand does at the server.
type action func(ctx context.Context, s *registrar.Server, p printer, args []string) error

func (f *flags) subcommand(use, short string, args cobra.PositionalArgs, do action) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		if f.output != "table" && f.output != "json" {
			return fmt.Errorf("--output %q: want table or json", f.output)
		}
		c, err := f.connect(cmd.Context())
		if err != nil {
			return err
		}
		p := printer{out: cmd.OutOrStdout(), notes: cmd.ErrOrStderr(), json: f.output == "json", now: f.Now()}
		return c.explain(do(cmd.Context(), c.server, p, args))
	}}
}

// split takes namespace/name apart.
func split(flag, value string) (registrar.Key, error) {
	namespace, name, ok := strings.Cut(value, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return registrar.Key{}, fmt.Errorf("--%s %q: want namespace/name", flag, value)
	}
	return registrar.Key{Namespace: namespace, Name: name}, nil
}
