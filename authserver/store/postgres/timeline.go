package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// timeline is where in the history of a cluster of databases a server writes: when a
// standby takes over, it begins one with a higher number. The primary before may not
// know, or come back, and accept writes that everybody else will never see. So no
// connection is made to a server on a lower timeline than was seen (target.accept).
type timeline struct {
	system string // the cluster's identifier; "": the role may not tell
	number string // eight hexadecimal digits; "": it is not told, or a standby
}

// answer is what a server says of itself.
type answer struct {
	host   string // its address: in the connection string, if that is known
	closed error  // why it takes no writes; nil: it does
	timeline
}

// Two statements, for what the first tells needs no right.
const readServer = `SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' WHEN current_setting('transaction_read_only')::bool THEN 'read-only' END;
	SELECT system_identifier, CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) END
	FROM pg_control_system()`

var (
	errStandby  = errors.New("this server is a standby, want the primary: name the other hosts too")
	errNoAnswer = errors.New("this server does not answer")
	errReadOnly = errors.New("this server takes no writes, want default_transaction_read_only = off, or another host")
)

// ask the server at the other end of a connection. One answer serves for where the
// connection may lead (target.accept) and for the origin of its content (contentOf).
func ask(ctx context.Context, conn *pgconn.PgConn) (is answer, err error) {
	results, err := conn.Exec(ctx, readServer).ReadAll()
	if err != nil && (state(err) != insufficientPrivilege || len(results) == 0) {
		return answer{}, fmt.Errorf("tell what server this is: %w", err)
	}
	is.host = conn.Conn().RemoteAddr().String()
	switch string(results[0].Rows[0][0]) {
	case "standby":
		is.closed = errStandby
	case "read-only":
		is.closed = errReadOnly
	}
	if err == nil {
		row := results[1].Rows[0]
		is.timeline = timeline{system: string(row[0]), number: string(row[1])}
	}
	return is, nil
}

// known is what is known of a connection.
type known struct {
	timeline
	left <-chan struct{} // closed when later connections lead elsewhere
}

const knownKey = "clientele"

// validate a connection: a server that is not accepted makes the driver go on to the
// next host. What target_session_attrs asks for does not matter, for it may be a standby.
// left is the target's of when the configuration was made: if that was left since, so is
// this connection, but not if it is itself the first to a server that took over.
func (t *target) validate(left <-chan struct{}) pgconn.ValidateConnectFunc {
	return func(ctx context.Context, conn *pgconn.PgConn) error {
		is, err := ask(ctx, conn)
		if err != nil {
			return err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		inForce := left == t.left
		if err := t.accept(is); err != nil {
			return err
		}
		k := known{is.timeline, left}
		if inForce {
			k.left = t.left
		}
		conn.CustomData()[knownKey] = k
		return nil
	}
}

// knownOf a connection that was validated.
func knownOf(conn *pgx.Conn) known { return conn.PgConn().CustomData()[knownKey].(known) }

// accept a server, or say why not. Where it has taken over from those before, no
// connection to them is used any more. The caller holds mu.
func (t *target) accept(is answer) error {
	was := t.timeline
	several := len(addresses(t.config.ConnConfig)) > 1
	switch {
	case is.closed != nil:
		return is.closed
	case is.system == "" || is.timeline == was:
		return nil
	case was.system == "": // the first
	case is.system != was.system && several:
		return fmt.Errorf("this server belongs to another cluster (system identifier %s), want %s: name the hosts of one cluster only "+
			"(this one is used when all hosts belong to it, or after a restart)", is.system, was.system)
	case is.system == was.system && is.number < was.number:
		return fmt.Errorf("this server is on timeline %s, and another one has taken over on timeline %s: stop this one "+
			"(if all of them were restored from a backup: restart clientele)", is.number, was.number)
	default:
		t.log.Info("another server has taken over", "at", is.host, "timeline", is.number)
		t.preferred = ""
		t.leave()
	}
	t.timeline = is.timeline
	return nil
}
