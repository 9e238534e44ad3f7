package postgres

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// timeline is where in the history of a cluster of databases a server writes: when a
// standby takes over, it begins one with a higher number. The primary before may not
// know, or come back, and accept writes that everybody else will never see. So no
// connection is made to a server on a lower timeline than was seen (target.saw).
type timeline struct {
	system string // the cluster's identifier
	number string // eight hexadecimal digits
}

const readTimeline = `SELECT system_identifier, CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) END
	FROM pg_control_system()`

// onTimeline refuses a standby, and a server that was left behind; then the driver goes
// on to the next host. It comes after what target_session_attrs asks for. Where the role
// may not tell, everything goes.
func (t *target) onTimeline(wanted pgconn.ValidateConnectFunc) pgconn.ValidateConnectFunc {
	return func(ctx context.Context, conn *pgconn.PgConn) error {
		if wanted != nil {
			if err := wanted(ctx, conn); err != nil {
				return err
			}
		}
		result, err := conn.Exec(ctx, readTimeline).ReadAll()
		switch {
		case state(err) == insufficientPrivilege:
			return nil
		case err != nil:
			return fmt.Errorf("tell the server's timeline: %w", err)
		}
		row := result[0].Rows[0]
		is := timeline{system: string(row[0]), number: string(row[1])}
		if is.number == "" {
			return errStandby
		}
		return t.saw(is, conn.Conn().RemoteAddr().String())
	}
}

// saw a server that can be written to. Where it has taken over from those before, no
// connection to them is used any more.
func (t *target) saw(is timeline, address string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.timeline
	if is.system == was.system && is.number < was.number {
		return t.leftBehind(is, address)
	}
	if was != is && was != (timeline{}) {
		t.log.Info("another server has taken over", "at", address, "timeline", is.number)
		t.leave()
	}
	t.timeline = is
	return nil
}

// leftBehind is the error for such a server, which is logged once: it should not run.
func (t *target) leftBehind(is timeline, address string) error {
	err := fmt.Errorf("this server is on timeline %s, and another one has taken over on timeline %s: stop this one "+
		"(if all of them were restored from a backup: restart clientele)", is.number, t.timeline.number)
	if t.behind != err.Error()+address {
		t.behind = err.Error() + address
		t.log.Warn("a primary that was left behind accepts writes; it is not used", "at", address, "error", err)
	}
	return err
}

// Looking at all hosts.
const (
	lookEvery   = 20 * time.Second
	lookTimeout = 3 * time.Second
)

// look at each of several hosts, for who has just started knows no timeline, and who is
// connected to a primary that was left behind does not hear of it. What cannot be
// reached tells nothing.
func (t *target) look(ctx context.Context) {
	config, _ := t.current()
	hosts := apart(&config.Config)
	if len(hosts) < 2 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, host := range hosts {
		all.Go(func() {
			conn, err := pgconn.ConnectConfig(ctx, host)
			if err != nil {
				return
			}
			t.prefer(host)
			_ = conn.Close(ctx)
		})
	}
	all.Wait()
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

// prefer the host where the primary was seen, so that no connection waits for others
// that are dark.
func (t *target) prefer(host *pgconn.Config) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.preferred = address(host.Host, host.Port)
}

// preferring puts an address first.
func preferring(c *pgconn.Config, first string) {
	rank := func(way *pgconn.FallbackConfig) int {
		if address(way.Host, way.Port) == first {
			return 0
		}
		return 1
	}
	all := ways(c)
	slices.SortStableFunc(all, func(a, b *pgconn.FallbackConfig) int { return rank(a) - rank(b) })
	take(c, all)
}

// watch looks again and again.
func (s *Store) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.target.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}
