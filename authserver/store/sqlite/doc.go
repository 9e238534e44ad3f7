// Package sqlite keeps the authorization server's store in one SQLite file, for
// one replica. The driver is modernc.org/sqlite: SQLite in Go, so that the binary
// needs no C. 1.60.1 is the newest whose whole module graph resolves.
//
// # Durability
//
// The journal is a WAL and synchronous is NORMAL: a commit is not forced to the
// disk one by one. A crash of the process loses nothing. A power loss can take the
// last commits away, but never leaves half of one, and that is enough, because the
// truth about a registration is the registrar's Secret: what is missing is
// registered again. It must only be noticed, and for that revisions never repeat:
// each opening moves the revision on to the clock's microseconds (far ahead of any
// count of writes) and forgets what changed before, so a registrar that asks for
// the changes since a revision of the time before is told to read the whole
// inventory, which is a handful of calls. A restored backup is noticed in the same
// way.
//
// What people did has no second copy. A lost tail there takes back the last
// codes, refreshes and consents: somebody signs in again. What ends something (a
// revoked family or token, an ended session, a withdrawn consent) is forced to the
// disk before it is answered, so it never comes back.
//
// # A full disk
//
// What is there can still be read. Leases are in memory (leases.go), so that they need no
// disk, and machine tokens can be had. What needs a change fails as store.StorageError.
//
// # Concurrency
//
// One process uses the directory: it holds a lock on a file beside the database.
//
// One connection writes, with BEGIN IMMEDIATE, so that a transaction that read
// something may also write; writers wait for each other in Go. A few connections
// read; in WAL mode they see the last commit and wait for nobody. What is used
// once, or moved on by one of many, is decided by a single statement.
package sqlite
