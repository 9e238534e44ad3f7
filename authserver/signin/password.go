package signin

import (
	"context"
	"errors"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
)

// Errors of signing in with a password.
var (
	// ErrRefused: unknown user, wrong password, disabled user, or too many
	// guesses. Which of these it was is told to nobody (A12): a page has one text
	// for all.
	ErrRefused = errors.New("user name or password is wrong, or there were too many attempts")
	// ErrBusy: too many sign-ins at this moment. Nothing was looked at; trying
	// again in a few seconds is right.
	ErrBusy = errors.New("too many sign-ins at the moment")
)

// waitersPerSlot is how many sign-ins may wait for each that is being hashed.
const waitersPerSlot = 16

// Password signs local users in. NewPassword makes one.
type Password struct {
	lockout Lockout
	// slots bound the hashes at a time, and with them the memory; places bound
	// those that wait for one.
	slots, places chan struct{}
	known         func() bool
	verify        func(username, password string) (User, bool)
}

// PasswordOptions are what NewPassword takes.
type PasswordOptions struct {
	Local   *Local
	Lockout Lockout
	// Parallel is how many passwords are hashed at a time (0: 4). Each takes the
	// memory that its hash says, 19 MiB by default.
	Parallel int
}

// NewPassword makes a Password.
func NewPassword(o PasswordOptions) *Password {
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	return &Password{
		lockout: o.Lockout,
		slots:   make(chan struct{}, o.Parallel),
		places:  make(chan struct{}, o.Parallel*(1+waitersPerSlot)),
		known:   o.Local.Known,
		verify:  o.Local.verify,
	}
}

// Credentials are what the sign-in form brings.
type Credentials struct {
	Username string
	Password credential.Secret
	// Address the request came from, without a port, as far as it can be
	// trusted: what a client may write into a header lets it be anybody.
	Address string
	// Device is the id of the browser if this user signed in there before
	// (Cookies.ReadDevice), "" otherwise.
	Device string
}

// SignIn tells who the credentials belong to:
//
//  1. a bound on their size,
//  2. it is known who the users are, or ErrNotKnown: nobody guessed wrong then,
//  3. a free slot, or ErrBusy,
//  4. the guess is counted; beyond a limit it goes no further,
//  5. the password, with the same work for every user name,
//  6. on success the count is cleared; AuthTime is now.
//
// Errors are ErrRefused, ErrNotKnown, ErrBusy, or those of the store.
func (p *Password) SignIn(ctx context.Context, c Credentials, now time.Time) (User, error) {
	c.Username = strings.TrimSpace(c.Username) // keyboards of phones add a space
	if !ValidUsername(c.Username) || len(c.Password.Reveal()) > MaxPasswordLength {
		return User{}, ErrRefused
	}
	if !p.known() {
		return User{}, ErrNotKnown
	}
	release, err := p.slot(ctx)
	if err != nil {
		return User{}, err
	}
	defer release()
	allowed, err := p.lockout.count(ctx, c, now)
	if err != nil {
		return User{}, err
	}
	if !allowed {
		return User{}, ErrRefused
	}
	user, ok := p.verify(c.Username, c.Password.Reveal())
	if !ok {
		return User{}, ErrRefused
	}
	if err := p.lockout.succeeded(ctx, c, now); err != nil {
		return User{}, err
	}
	user.AuthTime = now
	return user, nil
}

// slot waits for one, as long as the request lives, if there is a place to wait.
func (p *Password) slot(ctx context.Context) (release func(), err error) {
	select {
	case p.places <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots; <-p.places }, nil
	case <-ctx.Done():
		<-p.places
		return nil, ErrBusy
	}
}
