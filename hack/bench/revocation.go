package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"clientele.dev/clientele/authserver/credential"
)

const (
	revocations = 200
	// lookAgain is how long to wait between looks at the other replica, which shares
	// a core with the first.
	lookAgain = 500 * time.Microsecond
	giveUp    = 30 * time.Second
)

// revocation measures how long what one replica has ended is still good at the
// other: two servers with a store each, on one PostgreSQL.
func (b *bench) revocation(ctx context.Context) error {
	on, err := postgresBackend(ctx)
	if err != nil {
		return err
	}
	return errors.Join(b.revocationOn(ctx, on), on.stop())
}

func (b *bench) revocationOn(ctx context.Context, on *backend) error {
	b.report.section(fmt.Sprintf("Ended at one replica, refused at the other: PostgreSQL, %d times each", revocations))
	at, err := on.make(ctx)
	if err != nil {
		return err
	}
	server, c, err := beginCluster(ctx, at, 2)
	if err != nil {
		return err
	}
	defer server.end()
	a, err := dial(c.Replicas[0])
	if err != nil {
		return err
	}
	defer a.Close()
	other, err := dial(c.Replicas[1])
	if err != nil {
		return err
	}
	defer other.Close()
	two := &replicas{c, a, other}
	if err := b.revokedTokens(ctx, two); err != nil {
		return fmt.Errorf("revoke tokens: %w", err)
	}
	if err := b.disabledClient(ctx, two); err != nil {
		return fmt.Errorf("disable a client: %w", err)
	}
	return nil
}

// replicas of a cluster, with a connection to each.
type replicas struct {
	*cluster
	a, b *conn
}

// ended is what was seen of one way to end something.
type ended struct {
	answered []time.Duration // by the first replica
	refused  []time.Duration // by the other: until its answer, since that of the first
	accepted []time.Duration // by the other: when the last request it accepted was sent; 0: none was
	late     int             // how often it accepted one after the first's answer
}

// once ends something at the first replica and waits until the other refuses.
func (e *ended) once(ctx context.Context, end func() error, refused func() (bool, error)) error {
	begin := time.Now()
	if err := end(); err != nil {
		return err
	}
	answer := time.Now()
	e.answered = append(e.answered, answer.Sub(begin))
	last := time.Duration(0)
	for {
		sent := time.Since(answer)
		no, err := refused()
		if err != nil {
			return err
		}
		if no {
			e.refused, e.accepted = append(e.refused, time.Since(answer)), append(e.accepted, last)
			if last > 0 {
				e.late++
			}
			return nil
		}
		last = sent
		if time.Since(answer) > giveUp {
			return fmt.Errorf("still accepted after %s", giveUp)
		}
		if err := sleep(ctx, lookAgain); err != nil {
			return err
		}
	}
}

func (b *bench) ended(what string, e *ended, goal string) {
	slices.Sort(e.answered)
	slices.Sort(e.refused)
	slices.Sort(e.accepted)
	words := func(d []time.Duration) string {
		return fmt.Sprintf("p50 %s, p99 %s", round(quantile(d, .5)), round(quantile(d, .99)))
	}
	b.report.add(figure{name: what + ": from the answer to a refusal at the other replica", value: round(quantile(e.refused, .5)).String(),
		note: words(e.refused) + ", with the request that is refused; the answer took " + words(e.answered)})
	b.report.add(figure{name: fmt.Sprintf("%s: accepted once more after the answer, of %d", what, len(e.refused)), value: fmt.Sprint(e.late), goal: goal,
		note: "the last that was accepted was sent after it by: " + words(e.accepted)})
}

// revokedTokens: a refresh token is revoked (RFC 7009) at the first replica; the
// other is asked about its access token (RFC 7662), and at last for a refresh.
func (b *bench) revokedTokens(ctx context.Context, r *replicas) error {
	var e ended
	refreshed := 0
	for i := range revocations {
		t, err := r.newTokens(r.a, r.Cookies[i%people])
		if err != nil {
			return err
		}
		revoke := func() error { return r.a.want(r.revoke(t.Refresh), 200) }
		inactive := func() (bool, error) {
			err := r.b.want(r.introspect(t.Access), 200)
			return err == nil && !active(r.b), err
		}
		if err := e.once(ctx, revoke, inactive); err != nil {
			return err
		}
		status, err := r.b.send(r.refresh(t.Refresh))
		if err != nil {
			return err
		}
		if status == http.StatusOK {
			refreshed++
		}
	}
	b.ended("a family revoked", &e, "0")
	b.report.add(figure{name: fmt.Sprintf("a family revoked: refreshed at the other replica all the same, of %d", revocations), value: fmt.Sprint(refreshed), goal: "0"})
	return nil
}

// disabledClient: a registrar disables the client at the first replica, and the
// other is asked something as that client. Whoever is refused waits until the
// replica has caught up with the store, which it does at most every 20 ms.
func (b *bench) disabledClient(ctx context.Context, r *replicas) error {
	at := registrarAt{r.Replicas[0], r.Registrar}
	counter := int64(1)
	update := func(disabled bool) error {
		counter++
		return at.send(ctx, http.MethodPut, "/oauth/register/"+clientID, app(credential.Secret(r.Secret), counter, disabled))
	}
	is := func(want int) func() (bool, error) {
		return func() (bool, error) {
			status, err := r.b.send(r.introspect("none"))
			return status == want, err
		}
	}
	var disabled, enabled ended
	for range revocations {
		if err := disabled.once(ctx, func() error { return update(true) }, is(http.StatusUnauthorized)); err != nil {
			return err
		}
		if err := enabled.once(ctx, func() error { return update(false) }, is(http.StatusOK)); err != nil {
			return err
		}
	}
	b.ended("a client disabled", &disabled, "")
	return nil
}
