package endpoint

import "time"

// RegistrationMode says who but registrars may register clients (RFC 7591).
type RegistrationMode string

// The modes.
const (
	// RegistrationDisabled, also "": nobody.
	RegistrationDisabled RegistrationMode = "Disabled"
	// RegistrationAuthenticated: who has RBAC verb register on the
	// AuthorizationServer.
	RegistrationAuthenticated RegistrationMode = "Authenticated"
	// RegistrationOpen: these, and anybody a public client.
	RegistrationOpen RegistrationMode = "Open"
)

// RegistrationSettings are the limits of clients that register themselves. Zero
// members mean the default in brackets.
type RegistrationSettings struct {
	Mode RegistrationMode
	// MaxClients (10,000) is how many there may be that nobody authenticated for,
	// and how many of the others.
	MaxClients int
	// PerAddressMinute (10) and PerAddressDay (100) are how many an address may
	// register: an IPv4 address or an IPv6 /64; of those who are authenticated,
	// how many a user may. PerMinute (120) is how many all together may, at one
	// replica; those who are authenticated, as many apart from the others.
	//
	// As many changes and deletions (RFC 7592) are let through, counted apart from
	// registrations: PerAddressMinute for an address or user, and for a client;
	// PerMinute for all together. PerAddressDay is of registrations only.
	PerAddressMinute, PerAddressDay, PerMinute int
	// UnusedFor (24 h) is how long a client stays that nobody ever used, IdleFor
	// (2160 h, 90 days) one that nobody uses any more.
	UnusedFor, IdleFor time.Duration
	// PrivateUseSchemes without a period that redirect URIs may have, those of
	// declared clients too (oauth.ValidPrivateUseScheme).
	PrivateUseSchemes []string
}

// WithDefaults fills in what is zero.
func (r RegistrationSettings) WithDefaults() RegistrationSettings {
	if r.Mode == "" {
		r.Mode = RegistrationDisabled
	}
	for _, n := range []struct {
		of    *int
		value int
	}{{&r.MaxClients, 10_000}, {&r.PerAddressMinute, 10}, {&r.PerAddressDay, 100}, {&r.PerMinute, 120}} {
		if *n.of <= 0 {
			*n.of = n.value
		}
	}
	if r.UnusedFor <= 0 {
		r.UnusedFor = 24 * time.Hour
	}
	if r.IdleFor <= 0 {
		r.IdleFor = 90 * 24 * time.Hour
	}
	return r
}
