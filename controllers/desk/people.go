package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/registrar"
)

// person is whom a subcommand is about, where no `sub` is given.
type person struct{ username, issuer, id string }

// People makes `people`: where somebody is signed in and what apps may do for them,
// and an end of both.
func People(o Options) *cobra.Command {
	cmd, f := o.command("people", "See where people are signed in, and sign them out everywhere",
		"Shows where people are signed in at the authorization server and what apps may do for them, and ends it.\n"+
			"Whoever is to stay out is disabled first: in the users document, which signs them out too, or at their provider.")
	var who person
	for _, sub := range []*cobra.Command{
		f.subcommand("show [SUB]", "Show somebody's sessions and apps", who.args(cobra.MaximumNArgs(1)), who.show),
		f.subcommand("sign-out [SUB...]", "End the sessions, refresh tokens and access tokens of some, and keep what they allowed apps; asks nothing", who.args(cobra.ArbitraryArgs), who.signOut),
	} {
		flags := sub.Flags()
		flags.StringVar(&who.username, "username", "", "in place of SUB: the user name of a local user, or of somebody who is signed in")
		flags.StringVar(&who.issuer, "issuer", "", "with --id, in place of SUB: issuer of the provider that somebody comes from")
		flags.StringVar(&who.id, "id", "", "with --issuer: what the provider calls them, its `sub`")
		cmd.AddCommand(sub)
	}
	return cmd
}

// args wants somebody to be named, in one way.
func (w *person) args(count cobra.PositionalArgs) cobra.PositionalArgs {
	return cobra.MatchAll(count, func(_ *cobra.Command, args []string) error {
		ways := 0
		for _, named := range []bool{len(args) > 0, w.username != "", w.issuer != "" || w.id != ""} {
			if named {
				ways++
			}
		}
		if ways != 1 || (w.issuer == "") != (w.id == "") {
			return errors.New("name somebody by SUB (tokens and the audit log have it), by --username, or by --issuer and --id")
		}
		for _, sub := range args {
			if !oauth.ValidSubject(sub) {
				return fmt.Errorf("%q is no user's sub: want %s; or is it a --username?", sub, oauth.SubjectForms)
			}
		}
		return nil
	})
}

// meant returns the `sub` of those who are meant.
func (w *person) meant(ctx context.Context, s *registrar.Server, args []string) ([]string, error) {
	if len(args) > 0 {
		slices.Sort(args)
		return slices.Compact(args), nil
	}
	found, err := s.FindPeople(ctx, w.username, w.issuer, w.id)
	subs := found.Subjects
	switch {
	case err != nil:
		return nil, err
	case len(subs) == 0:
		return nil, fmt.Errorf("no local user is called %q, and nobody who is signed in. Somebody of a provider who is not signed in may still have apps: name them by --issuer and --id", w.username)
	case found.More:
		return nil, fmt.Errorf("more than %d people are called %q; name one by SUB (tokens and the audit log have it), or by --issuer and --id", len(subs), w.username)
	case len(subs) > 1:
		return nil, fmt.Errorf("several people are called %q; name one by SUB: %s", w.username, strings.Join(subs, ", "))
	}
	return subs, nil
}

func (w *person) show(ctx context.Context, s *registrar.Server, p printer, args []string) error {
	subs, err := w.meant(ctx, s, args)
	if err != nil {
		return err
	}
	shown, err := s.ReadPerson(ctx, subs[0])
	if err != nil {
		return err
	}
	return p.person(shown)
}

// signOut goes on after one who could not be signed out, and tells of all.
func (w *person) signOut(ctx context.Context, s *registrar.Server, p printer, args []string) error {
	subs, err := w.meant(ctx, s, args)
	if err != nil {
		return err
	}
	var errs []error
	for _, sub := range subs {
		var ended oauth.SignedOut
		if ended, err = s.SignOut(ctx, sub); err == nil {
			err = p.signedOut(ended)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", sub, err))
		}
	}
	return errors.Join(errs...)
}
