package postgres

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Looking at all hosts.
const (
	lookEvery   = 20 * time.Second
	lookTimeout = 3 * time.Second
)

// look at each of several hosts, for who has just started knows no timeline, and who is
// connected to a primary that was left behind does not hear of it.
func (t *target) look(ctx context.Context) {
	hosts := apart(&t.current().Config)
	if len(hosts) < 2 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, t.lookTimeout)
	defer cancel()
	found := make([]answer, len(hosts))
	var all sync.WaitGroup
	for i, host := range hosts {
		all.Go(func() { found[i] = visit(ctx, host) })
	}
	all.Wait()
	t.judge(found)
}

// visit a host. What cannot be reached tells nothing.
func visit(ctx context.Context, host *pgconn.Config) answer {
	is := answer{host: address(host.Host, host.Port), closed: errNoAnswer}
	host.ValidateConnect = nil
	conn, err := pgconn.ConnectConfig(ctx, host)
	if err != nil {
		return is
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing is left to lose
	if said, err := ask(ctx, conn); err == nil {
		is.closed, is.timeline = said.closed, said.timeline
	}
	return is
}

// judge what all hosts say: which is the primary, so that no connection waits for others
// that are dark, and which ones should not run, of which the log is told once, until they
// are silent.
func (t *target) judge(found []answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget(found)
	system := t.timeline.system
	if i := slices.IndexFunc(found, func(s answer) bool { return s.closed == nil }); i >= 0 && system == "" {
		system = found[i].system
	}
	// The primary comes first; of several that are alike the one that was preferred, or named first.
	slices.SortStableFunc(found, func(a, b answer) int {
		return cmp.Or(
			before(a.closed == nil, b.closed == nil), before(a.system == system, b.system == system),
			cmp.Compare(b.number, a.number), before(a.host == t.preferred, b.host == t.preferred))
	})
	unused := map[string]string{}
	for i, is := range found {
		err := t.accept(is)
		switch {
		case err == nil && i == 0:
			t.preferred = is.host
		case err != nil && is.closed == nil:
			unused[is.host] = err.Error()
			if t.unused[is.host] != err.Error() {
				t.log.Warn("a server that accepts writes is not used", "at", is.host, "error", err)
			}
		}
	}
	t.unused = unused
}

// forget the cluster that was known if every host says that it belongs to another one.
// The caller holds mu.
func (t *target) forget(found []answer) {
	was := t.timeline.system
	if was == "" || slices.ContainsFunc(found, func(s answer) bool { return s.system == "" || s.system == was }) {
		return
	}
	t.log.Info("all hosts belong to another cluster now", "database", where(t.config.ConnConfig))
	t.timeline, t.preferred = timeline{}, ""
	t.leave()
}

// before compares what has something with what has not.
func before(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// apart is a configuration for each host of one that has several.
func apart(c *pgconn.Config) (hosts []*pgconn.Config) {
	for _, way := range ways(c) {
		if n := len(hosts); n > 0 && address(hosts[n-1].Host, hosts[n-1].Port) == address(way.Host, way.Port) {
			hosts[n-1].Fallbacks = append(hosts[n-1].Fallbacks, way) // with and without TLS
			continue
		}
		own := c.Copy()
		take(own, []*pgconn.FallbackConfig{way})
		hosts = append(hosts, own)
	}
	return hosts
}

// ways to connect, in the order in which they are tried: to each host, with TLS and
// without.
func ways(c *pgconn.Config) []*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}
	return append([]*pgconn.FallbackConfig{first}, c.Fallbacks...)
}

func take(c *pgconn.Config, ways []*pgconn.FallbackConfig) {
	c.Host, c.Port, c.TLSConfig, c.Fallbacks = ways[0].Host, ways[0].Port, ways[0].TLSConfig, ways[1:]
}

// preferring puts an address first.
func preferring(c *pgconn.Config, first string) {
	all := ways(c)
	slices.SortStableFunc(all, func(a, b *pgconn.FallbackConfig) int {
		return before(address(a.Host, a.Port) == first, address(b.Host, b.Port) == first)
	})
	take(c, all)
}
