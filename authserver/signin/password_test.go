package signin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
)

// cheap is a Password whose check costs nothing and counts its calls: all tests
// of counting use it.
func cheap(m *memory, limits Limits) (*Password, *atomic.Int64) {
	var checked atomic.Int64
	p := NewPassword(PasswordOptions{Local: nobody(), Lockout: Lockout{Attempts: m, Limits: func() Limits { return limits }}})
	p.verify = func(username, password string) (User, bool) {
		checked.Add(1)
		return User{Subject: oauth.LocalSubject(username)}, password == rightPassword
	}
	return p, &checked
}

// nobody are no local users, as is known.
func nobody() *Local {
	l := &Local{}
	l.Set(nil)
	return l
}

func signIn(p *Password, username, password, address string, now time.Time) error {
	_, err := p.SignIn(context.Background(), Credentials{Username: username, Password: credential.Secret(password), Address: address}, now)
	return err
}

func TestSignInWithAPassword(t *testing.T) {
	var l Local
	l.Set(directory(t, twoUsers))
	p := NewPassword(PasswordOptions{Local: &l, Lockout: Lockout{Attempts: newMemory()}})
	for name, c := range map[string]struct {
		username, password string
		ok                 bool
	}{
		"right":              {"Ada", rightPassword, true},
		"upper case, spaces": {" ADA ", rightPassword, true},
		"wrong":              {"ada", "wrong", false},
		"empty":              {"ada", "", false},
		"too long":           {"ada", strings.Repeat("r", 5000), false},
		"disabled":           {"bob@example.com", rightPassword, false},
		"unknown":            {"carol", rightPassword, false},
		"no name":            {"", rightPassword, false},
		"SQL":                {"ada'--", rightPassword, false},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := p.SignIn(context.Background(), Credentials{Username: c.username, Password: credential.Secret(c.password), Address: "192.0.2.1"}, noon)
			if c.ok != (err == nil) || c.ok && u.Subject != "user/7f3c1d" {
				t.Fatalf("got %v, %v", u.Subject, err)
			}
			if !c.ok && (!errors.Is(err, ErrRefused) || err.Error() != ErrRefused.Error()) {
				t.Errorf("the error tells more than the others: %v", err)
			}
		})
	}
}

// A12: what is done for an unknown name is what is done for a known one, down to
// the parameters, where users have hashes of different cost too.
func TestA12UnknownUserCostsWhatAKnownOneCosts(t *testing.T) {
	stronger := "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	d := directory(t, strings.Replace(twoUsers, "HASH", stronger, 1))
	known := map[cost]bool{}
	for _, name := range []string{"ada", "bob@example.com"} {
		e, hash := d.find(name)
		if e == nil {
			t.Fatalf("%s is not there", name)
		}
		known[hash.cost] = true
	}
	seen := map[cost]bool{}
	for i := range 200 {
		name := fmt.Sprintf("nobody%d", i)
		e, hash := d.find(name)
		if e != nil || !known[hash.cost] {
			t.Fatalf("%s: costs %+v, which no user's hash costs", name, hash.cost)
		}
		if len(hash.salt) != hash.saltLen || hash.matches(rightPassword) {
			t.Fatalf("%s: the dummy is no dummy", name)
		}
		if _, again := d.find(strings.ToUpper(name)); again.cost != hash.cost {
			t.Fatalf("%s: costs %+v, then %+v: trying twice tells that it is unknown", name, hash.cost, again.cost)
		}
		seen[hash.cost] = true
		if len(seen) == len(known) {
			break
		}
	}
	if len(seen) != len(known) {
		t.Errorf("unknown names cost %v, users' %v", seen, known)
	}
	var none *Directory
	if _, hash := none.find("ada"); hash.cost != defaultCost {
		t.Errorf("without any user a guess costs %+v", hash.cost)
	}
}

// A17: of a hundred parallel guesses no more than the limit are looked at.
func TestA17ParallelGuessesDoNotPassTheLockout(t *testing.T) {
	p, checked := cheap(newMemory(), Limits{PerPair: 5})
	p.places = make(chan struct{}, 200)
	var wait sync.WaitGroup
	for i := range 100 {
		wait.Go(func() {
			if err := signIn(p, "ada", fmt.Sprint(i), "192.0.2.1", noon); !errors.Is(err, ErrRefused) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := checked.Load(); n != 5 {
		t.Errorf("%d guesses were looked at, want 5", n)
	}
	if err := signIn(p, "ada", rightPassword, "192.0.2.1", noon); !errors.Is(err, ErrRefused) {
		t.Errorf("the right password after the lockout: %v, want it refused like a wrong one", err)
	}
	if err := signIn(p, "ada", rightPassword, "192.0.2.1", noon.Add(15*time.Minute)); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

func TestA17LockoutSparesTheNeighbours(t *testing.T) {
	p, _ := cheap(newMemory(), Limits{PerPair: 3})
	for range 50 {
		_ = signIn(p, "ada", "wrong", "192.0.2.1", noon)
	}
	if err := signIn(p, "ada", rightPassword, "192.0.2.1", noon); err == nil {
		t.Error("the attacker is not locked out")
	}
	if err := signIn(p, "ada", rightPassword, "192.0.2.2", noon); err != nil {
		t.Errorf("the victim at another address: %v", err)
	}
	if err := signIn(p, "bob", rightPassword, "192.0.2.1", noon); err != nil {
		t.Errorf("a neighbour at the attacker's address: %v", err)
	}
}

func TestA17GuessesSpreadOverAddressesOrNames(t *testing.T) {
	limits := Limits{PerPair: 3, PerUsername: 20, PerAddress: 20}
	t.Run("one name, many addresses", func(t *testing.T) {
		p, checked := cheap(newMemory(), limits)
		for i := range 60 {
			_ = signIn(p, "ada", "wrong", fmt.Sprintf("192.0.2.%d", i), noon)
		}
		if n := checked.Load(); n != 20 {
			t.Errorf("%d guesses were looked at, want 20", n)
		}
	})
	t.Run("one address, many names", func(t *testing.T) {
		p, checked := cheap(newMemory(), limits)
		for i := range 60 {
			_ = signIn(p, fmt.Sprint("user", i), "wrong", "192.0.2.1", noon)
		}
		if n := checked.Load(); n != 20 {
			t.Errorf("%d guesses were looked at, want 20", n)
		}
	})
	t.Run("an account of one's own gives nothing back but itself", func(t *testing.T) {
		p, checked := cheap(newMemory(), limits)
		for i := range 60 {
			_ = signIn(p, fmt.Sprint("user", i), "wrong", "192.0.2.1", noon)
			_ = signIn(p, "mallory", rightPassword, "192.0.2.1", noon)
		}
		if wrong := checked.Load(); wrong > 2*20+1 {
			t.Errorf("%d passwords were looked at: signing in oneself buys guesses", wrong)
		}
	})
	t.Run("an office behind one address", func(t *testing.T) {
		p, _ := cheap(newMemory(), limits)
		for i := range 500 {
			if err := signIn(p, fmt.Sprint("user", i), rightPassword, "192.0.2.1", noon); err != nil {
				t.Fatalf("the %dth person of the office: %v", i, err)
			}
		}
	})
	t.Run("addresses of one IPv6 network", func(t *testing.T) {
		p, checked := cheap(newMemory(), limits)
		for i := range 60 {
			_ = signIn(p, "ada", "wrong", fmt.Sprintf("2001:db8::%x", i), noon)
		}
		if n := checked.Load(); n != 3 {
			t.Errorf("%d guesses were looked at, want 3", n)
		}
	})
}

// Guesses beyond a limit are an unauthenticated flood: they write nothing.
func TestA17GuessesBeyondALimitWriteNothing(t *testing.T) {
	limits := Limits{PerPair: 3, PerUsername: 20, PerAddress: 20}
	for name, guess := range map[string]func(i int) (username, address string){
		"one name, one address":    func(int) (string, string) { return "ada", "192.0.2.1" },
		"one name, many addresses": func(i int) (string, string) { return "ada", fmt.Sprintf("192.0.2.%d", i) },
		"one address, many names":  func(i int) (string, string) { return fmt.Sprint("user", i), "192.0.2.1" },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			p, checked := cheap(m, limits)
			for i := range 30 {
				username, address := guess(i)
				_ = signIn(p, username, "wrong", address, noon)
			}
			writes, counters, looked := m.writes, len(m.counters), checked.Load()
			for i := range 30 {
				username, address := guess(100 + i)
				_ = signIn(p, username, "wrong", address, noon)
			}
			if m.writes != writes || len(m.counters) != counters || checked.Load() != looked {
				t.Errorf("30 guesses beyond the limit: %d writes, %d new counters, %d looked at; want none",
					m.writes-writes, len(m.counters)-counters, checked.Load()-looked)
			}
		})
	}
}

func TestSuccessClearsTheCount(t *testing.T) {
	p, _ := cheap(newMemory(), Limits{PerPair: 3})
	for round := range 5 {
		_ = signIn(p, "ada", "wrong", "192.0.2.1", noon)
		_ = signIn(p, "ada", "wrong", "192.0.2.1", noon)
		if err := signIn(p, "ada", rightPassword, "192.0.2.1", noon); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
	}
}

func TestCountersTellNoNames(t *testing.T) {
	m := newMemory()
	p, _ := cheap(m, Limits{})
	_ = signIn(p, "ada", "wrong", "192.0.2.1", noon)
	if len(m.counters) == 0 {
		t.Fatal("nothing was counted")
	}
	for key := range m.counters {
		if len(key) != 64 || strings.Contains(key, "ada") {
			t.Errorf("the key %q is no hash", key)
		}
	}
}

func TestAnOutageOfTheStoreIsNotAWrongPassword(t *testing.T) {
	m := newMemory()
	m.fail = errors.New("disk full")
	p, checked := cheap(m, Limits{})
	if err := signIn(p, "ada", rightPassword, "192.0.2.1", noon); errors.Is(err, ErrRefused) || !errors.Is(err, m.fail) {
		t.Errorf("got %v", err)
	}
	if checked.Load() != 0 {
		t.Error("a guess that could not be counted was looked at")
	}
}

// TestNobodyGuessesWrongWhileTheUsersAreNotKnown: an outage is no wrong password, and
// locks nobody out.
func TestNobodyGuessesWrongWhileTheUsersAreNotKnown(t *testing.T) {
	m, l := newMemory(), &Local{}
	p := NewPassword(PasswordOptions{Local: l, Lockout: Lockout{Attempts: m, Limits: func() Limits { return Limits{PerPair: 1} }}})
	for _, password := range []string{rightPassword, "wrong", rightPassword} {
		if err := signIn(p, "ada", password, "192.0.2.1", noon); !errors.Is(err, ErrNotKnown) {
			t.Errorf("got %v, want ErrNotKnown", err)
		}
	}
	if m.writes != 0 {
		t.Errorf("%d guesses were counted", m.writes)
	}
	l.Set(directory(t, twoUsers))
	if err := signIn(p, "ada", rightPassword, "192.0.2.1", noon); err != nil {
		t.Errorf("once they are known: %v", err)
	}
	l.Forget()
	if err := signIn(p, "ada", rightPassword, "192.0.2.1", noon); !errors.Is(err, ErrNotKnown) {
		t.Errorf("forgotten: %v, want ErrNotKnown", err)
	}
}

func TestOnlySoManyPasswordsAreHashedAtATime(t *testing.T) {
	p := NewPassword(PasswordOptions{Local: nobody(), Lockout: Lockout{Attempts: newMemory()}, Parallel: 2})
	var at, most atomic.Int64
	inside, leave := make(chan struct{}, 100), make(chan struct{})
	p.verify = func(string, string) (User, bool) {
		n := at.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		inside <- struct{}{}
		<-leave
		at.Add(-1)
		return User{}, true
	}
	var wait sync.WaitGroup
	for i := range 10 {
		wait.Go(func() { _ = signIn(p, fmt.Sprint("user", i), "x", "192.0.2.1", noon) })
	}
	<-inside
	<-inside
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := p.SignIn(ctx, Credentials{Username: "late"}, noon); !errors.Is(err, ErrBusy) {
		t.Errorf("a request that ended while it waited: %v, want ErrBusy", err)
	}
	close(leave)
	wait.Wait()
	if most.Load() != 2 {
		t.Errorf("%d at a time, want 2", most.Load())
	}
	for range cap(p.places) {
		p.places <- struct{}{}
	}
	if err := signIn(p, "ada", "x", "192.0.2.1", noon); !errors.Is(err, ErrBusy) {
		t.Errorf("with no place to wait: %v, want ErrBusy", err)
	}
}
