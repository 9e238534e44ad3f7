package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/registrar"
)

// SelfRegistered makes `self-registered`: the clients that registered themselves
// (RFC 7591), who is there, and away with one.
func SelfRegistered(o Options) *cobra.Command {
	cmd, f := o.command("self-registered", "See and revoke the clients that registered themselves",
		"Lists, shows and revokes clients that registered themselves at the authorization server (RFC 7591).")
	cmd.AddCommand(
		f.subcommand("list", "List them", cobra.NoArgs, listClients),
		f.subcommand("show CLIENT_ID", "Show one", clientIDs(cobra.ExactArgs(1)), showClient),
		f.subcommand("revoke CLIENT_ID...", "Remove some, and end everything that was issued to them; asks nothing", clientIDs(cobra.MinimumNArgs(1)), revokeClients),
	)
	return cmd
}

// clientIDs wants as many arguments, and client ids.
func clientIDs(count cobra.PositionalArgs) cobra.PositionalArgs {
	return cobra.MatchAll(count, func(_ *cobra.Command, args []string) error {
		for _, id := range args {
			if !oauth.ValidClientID(id) {
				return fmt.Errorf("%q is not a client id", id)
			}
		}
		return nil
	})
}

func listClients(ctx context.Context, s *registrar.Server, p printer, _ []string) error {
	clients, err := s.ListSelfRegistered(ctx)
	if err != nil {
		return err
	}
	return p.list(clients)
}

func showClient(ctx context.Context, s *registrar.Server, p printer, args []string) error {
	c, found, err := s.ReadSelfRegistered(ctx, args[0])
	if err == nil && !found {
		err = fmt.Errorf("no client %s registered itself; `clientele self-registered list` shows who did", args[0])
	}
	if err != nil {
		return err
	}
	return p.show(c)
}

// revokeClients goes on after one that it could not revoke, and tells of all.
func revokeClients(ctx context.Context, s *registrar.Server, p printer, args []string) error {
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
