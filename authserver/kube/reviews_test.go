package kube

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"clientele.dev/clientele/authserver/endpoint"
	"clientele.dev/clientele/authserver/oauth"
)

func key(s string) [sha256.Size]byte { return sha256.Sum256([]byte(s)) }

func TestReviewsAreReusedForSeconds(t *testing.T) {
	now := time.Unix(1000, 0)
	r := newReviews(func() time.Time { return now })
	far := now.Add(time.Hour)
	asked := 0
	ask := func(k string, tokenExpires time.Time, caller endpoint.Caller, err error) {
		_, _ = r.do(context.Background(), key(k), tokenExpires, func(context.Context) (endpoint.Caller, error) {
			asked++
			return caller, err
		})
	}
	yes := endpoint.Caller{Cluster: "c", Manage: true}
	for _, c := range []struct {
		rule   string
		key    string
		later  time.Duration
		caller endpoint.Caller
		err    error
		life   time.Time
		asked  int // together, when the question comes again after later
	}{
		{"a yes within ten seconds", "a", 9 * time.Second, yes, nil, far, 1},
		{"a yes after ten seconds", "b", 11 * time.Second, yes, nil, far, 2},
		{"a no counts shorter", "c", 3 * time.Second, endpoint.Caller{Cluster: "c"}, nil, far, 2},
		{"an invalid token", "d", time.Second, endpoint.Caller{}, oauth.InvalidToken("x"), far, 1},
		{"no longer than the token lives", "e", 3 * time.Second, yes, nil, now.Add(time.Second), 2},
		{"a failure is no answer", "f", 0, endpoint.Caller{}, errors.New("down"), far, 2},
	} {
		asked = 0
		ask(c.key, c.life, c.caller, c.err)
		now = now.Add(c.later)
		ask(c.key, c.life, c.caller, c.err)
		now = now.Add(-c.later)
		if asked != c.asked {
			t.Errorf("%s: asked %d times, want %d", c.rule, asked, c.asked)
		}
	}
}

func TestReviewsAskOnceForManyAtTheSameTime(t *testing.T) {
	r := newReviews(func() time.Time { return time.Unix(1000, 0) })
	release := make(chan struct{})
	asked := make(chan struct{}, 100)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			caller, err := r.do(context.Background(), key("a"), time.Unix(2000, 0), func(context.Context) (endpoint.Caller, error) {
				asked <- struct{}{}
				<-release
				return endpoint.Caller{Cluster: "c", Manage: true}, nil
			})
			if err != nil || !caller.Manage {
				t.Errorf("%+v, %v", caller, err)
			}
		})
	}
	<-asked
	close(release)
	wait.Wait()
	if len(asked) != 0 {
		t.Errorf("asked %d times more", len(asked))
	}
}

// A request that is cancelled while it waits for its turn leaves the others that wait for
// the same answer theirs (R2).
func TestR2CancelledRequestFailsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReviews(time.Now)
		do := func(ctx context.Context) (endpoint.Caller, error) {
			return r.do(ctx, key("a"), time.Now().Add(time.Hour), func(ctx context.Context) (endpoint.Caller, error) {
				return endpoint.Caller{Manage: true}, ctx.Err()
			})
		}
		for range maxRunningReviews {
			r.running <- struct{}{}
		}
		first, cancel := context.WithCancel(t.Context())
		go func() {
			if _, err := do(first); !errors.Is(err, context.Canceled) {
				t.Errorf("the request that was cancelled: %v", err)
			}
		}()
		synctest.Wait()
		go func() {
			if caller, err := do(t.Context()); err != nil || !caller.Manage {
				t.Errorf("the request beside it: %+v, %v", caller, err)
			}
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		<-r.running
		synctest.Wait()
	})
}

// A review that gets no turn ends with reviewTimeout.
func TestReviewsDoNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReviews(time.Now)
		for range maxRunningReviews {
			r.running <- struct{}{}
		}
		_, err := r.do(t.Context(), key("a"), time.Now().Add(time.Hour), func(context.Context) (endpoint.Caller, error) {
			return endpoint.Caller{}, nil
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestReviewsAreBounded(t *testing.T) {
	r := newReviews(func() time.Time { return time.Unix(1000, 0) })
	for i := range 3 * maxReviews {
		_, _ = r.do(context.Background(), key(fmt.Sprint(i)), time.Unix(2000, 0), func(context.Context) (endpoint.Caller, error) {
			return endpoint.Caller{}, nil
		})
	}
	if n := len(r.answers.Keys()); n > maxReviews {
		t.Errorf("%d answers are kept, want at most %d", n, maxReviews)
	}
}

func TestPlausible(t *testing.T) {
	now := time.Unix(10_000, 0)
	token := func(payload string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
	}
	for rule, c := range map[string]struct {
		token string
		ok    bool
	}{
		"one audience":           {token(`{"aud":"us","exp":10100}`), true},
		"several audiences":      {token(`{"aud":["them","us"],"exp":10100}`), true},
		"expired within leeway":  {token(`{"aud":"us","exp":9990}`), true},
		"expired":                {token(`{"aud":"us","exp":9000}`), false},
		"no expiry":              {token(`{"aud":"us"}`), false},
		"absurd expiry":          {token(`{"aud":"us","exp":1e300}`), false},
		"another audience":       {token(`{"aud":"us2","exp":10100}`), false},
		"no audience":            {token(`{"exp":10100}`), false},
		"audience of wrong type": {token(`{"aud":{"us":1},"exp":10100}`), false},
		"two parts":              {"e30.e30", false},
		"five parts":             {"a.b.c.d.e", false},
		"no signature":           {"e30.e30.", false},
		"no base64url":           {"e30.***.c2ln", false},
		"no JSON":                {token(`us`), false},
		"empty":                  {"", false},
	} {
		if _, err := plausible(c.token, "us", now); (err == nil) != c.ok {
			t.Errorf("%s: %v", rule, err)
		}
	}
}
