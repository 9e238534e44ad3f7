// Package postgres keeps the authorization server's store in PostgreSQL, 13 or
// later, for any number of replicas. The driver is pgx.
//
// # Durability
//
// A commit is as durable as the server's settings make it; with the defaults it is
// on disk. What can still be lost is what a standby had not received when it was
// promoted, or what is younger than a restored backup. Revisions detect this:
// meta.origin names the cluster, its timeline and the table, and each new connection
// of the pool compares it. If it differs, the revision jumps to the clock's
// microseconds and the change log is forgotten, so that all replicas read everything
// again. A role that may not call pg_control_system gets this at every opening
// instead. A disk snapshot that is put back has the same origin and is not detected:
// restart the replicas.
//
// # High availability
//
// It is the database operator's business, fencing included. Every connection requires a
// server that accepts writes (target_session_attrs=read-write), so a standby is never
// used, and of several hosts the primary is found. A connection to another cluster
// than that of the start is refused. Dead connections are closed by the kernel within
// half a minute (connect.go).
//
// # Credentials
//
// The connection string is read again for each connection (target.go), so that a
// rotated password is used without a restart, but never for another database. So is the
// file of certificates that the server's is checked with (Options.CAFile).
//
// # Versions
//
// Replicas of two releases use the tables at once (sqlstore.Schema): a step of the schema
// says from which version on programs understand the result.
//
// # Concurrency
//
// A change of a client or policy locks the row of meta first: such changes happen
// one after the other, and a higher revision is committed later. Everything else
// is decided by single statements, in READ COMMITTED: who is second waits for the
// row and then sees what became of it. A deadlock, or a conflict that the database
// finds, is tried again.
//
// # Changes
//
// Every change of a revision sends a notification (triggers, so it is sent for
// edits with another tool too). One connection beside the pool listens; while it
// is being made again, and behind a pooler that passes no notifications on, polling
// does the same more slowly.
package postgres
