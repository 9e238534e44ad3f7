package postgres

import "clientele.dev/clientele/authserver/store/internal/sqlstore"

// dialect: rows are locked in one order, so that writers wait for each other in
// one place.
var dialect = sqlstore.Dialect{
	LockMeta: ` FOR UPDATE`,
	// There may be no row to lock, if somebody deleted it.
	LockBinding: `LOCK TABLE meta IN SHARE ROW EXCLUSIVE MODE`,
	// The code is locked meanwhile, so that whoever is revoking it is waited for, or
	// waits and then finds the family.
	PutFamily: `WITH code AS (SELECT revoked FROM codes WHERE family_id = $1 FOR SHARE)
		INSERT INTO families (id, generation, revoked, ends, subject, client_id, record, mac)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8 WHERE NOT EXISTS (SELECT 1 FROM code WHERE revoked <> 0)`,
	InsertConsent: `INSERT INTO consents (subject, client_id, resource, place, promise, scope, granted, mac)
		SELECT $1, $2, $3, $6, $7, pair->>0, $5, pair->>1 FROM json_array_elements($4::text::json) AS pair ORDER BY (pair->>0) COLLATE "C"`,
	RevokeCodes: func(conditions string) string {
		return `UPDATE codes SET revoked = $1 WHERE revoked = 0 AND hash IN (
			SELECT hash FROM codes WHERE revoked = 0 AND expires > $2
				AND NOT EXISTS (SELECT 1 FROM families WHERE families.id = codes.family_id)` + conditions + ` ORDER BY hash FOR UPDATE)`
	},
	RevokeFamilies: func(conditions string) string {
		return `UPDATE families SET revoked = $1, ends = least(ends, $1) WHERE revoked = 0 AND id IN (
			SELECT id FROM families WHERE revoked = 0` + conditions + ` ORDER BY id FOR UPDATE)`
	},
	// The first condition has an index.
	SweptFamilies: sqlstore.Past{
		Where: `ends_day <= ($1::bigint - 86400) / 86400 AND ends <= $1::bigint - 86400`,
		Order: `ends_day`,
	},
	// Replicas may sweep at once: what one has locked the others leave to it.
	LockSwept: ` FOR UPDATE SKIP LOCKED`,
}
