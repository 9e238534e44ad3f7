package authorizationserver

import (
	"context"
	"sync"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/controllers/registrar"
	ctrl "sigs.k8s.io/controller-runtime"
)

// countEvery is how often clients that registered themselves are counted: nobody
// tells of them, and they must not make a status write each.
const countEvery = time.Minute

// counts remembers how many clients registered themselves, by server.
type counts struct {
	mu      sync.Mutex
	asked   map[registrar.Key]time.Time
	clients map[registrar.Key]int64
}

func newCounts() *counts {
	return &counts{asked: map[registrar.Key]time.Time{}, clients: map[registrar.Key]int64{}}
}

// counting says that there may be such clients.
func counting(as *v1alpha1.AuthorizationServer) bool {
	mode := as.Spec.Registration.Mode
	return mode == v1alpha1.RegistrationAuthenticated || mode == v1alpha1.RegistrationOpen || as.Status.SelfRegistered > 0
}

// of returns the count, asked for anew every countEvery; nil: it is not known. A
// server that cannot tell is asked again as late: its failures are told elsewhere.
func (c *counts) of(ctx context.Context, server *registrar.Server, now time.Time) *int64 {
	key := server.Key()
	c.mu.Lock()
	asked, known := c.asked[key]
	c.mu.Unlock()
	if !known || now.Sub(asked) >= countEvery {
		n, err := server.SelfRegistered(ctx)
		c.mu.Lock()
		c.asked[key] = now
		if err == nil {
			c.clients[key] = int64(n)
		}
		c.mu.Unlock()
		if err != nil {
			ctrl.LoggerFrom(ctx).V(1).Info("cannot count the clients that registered themselves", "reason", registrar.Explain(err).Reason)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, ok := c.clients[key]; ok {
		return &n
	}
	return nil
}
