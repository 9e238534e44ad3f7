// Package sqlstore is what the stores in SQL databases have in common: which
// columns stand beside a record, what a role of package store does step by step,
// and every statement that both databases understand. A dialect (packages sqlite
// and postgres) brings the connection, transactions, and the statements that it
// has to write in its own words.
//
// Parameters are written $1, $2, …, which both drivers take.
package sqlstore
