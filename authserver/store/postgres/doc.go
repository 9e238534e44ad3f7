// Package postgres keeps the authorization server's store in PostgreSQL, 13 or
// later, for any number of replicas. The driver is pgx.
//
// # Durability
//
// A commit is as durable as the server is told to make it; with its defaults it is
// on the disk. What can still be lost is the tail that a standby had not received
// when it took over, or that is younger than a restored backup. Revisions notice:
// meta.origin names the server, its timeline and the table itself, each new
// connection compares it, and where it differs the revision moves on to the
// clock's microseconds and what changed before is forgotten, so that everybody
// reads everything. Connections from before a failover are given up when the first is
// made after it, or found within 20 seconds (lookEvery); who holds one finishes what it is
// at. A role that may not call pg_control_system gets another life of the store at every
// opening instead. A snapshot of the disk that is put back has the same origin and is not
// noticed: the replicas are to be restarted.
//
// A server that vanishes without a word is noticed by the kernel, within half a
// minute (connect.go); one that hangs, by looking at the other hosts (hosts.go).
//
// # The primary that was left behind
//
// When a standby takes over, the primary before may go on, or come back, and accept
// writes that nobody else sees. Of several hosts in the connection string the one on
// the highest timeline counts (timeline.go): all are looked at when the store is opened
// and every 20 seconds (hosts.go), connections to a lower one are ended, and none is made. That is
// no fencing: until it has looked, and where it reaches only the one that was left
// behind, a replica goes on there; and of two standbys that were both promoted neither
// is lower. A role that may not call pg_control_system is kept from standbys only.
//
// A server of another cluster is not used either, unless all hosts belong to it, as after
// an upgrade: two clusters side by side are two stores.
//
// # Credentials
//
// The connection string is read again for each connection (target.go), so that a
// rotated password is used without a restart, and never to end up in another
// database.
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
