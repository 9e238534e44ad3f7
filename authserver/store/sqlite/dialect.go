package sqlite

import "clientele.dev/clientele/authserver/store/internal/sqlstore"

// dialect: writers exclude each other, so that nothing needs a lock.
var dialect = sqlstore.Dialect{
	LookFirst: true,
	PutFamily: `INSERT INTO families (id, generation, revoked, ends, subject, client_id, record, mac)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8
		WHERE NOT EXISTS (SELECT 1 FROM codes WHERE family_id = $1 AND revoked <> 0)`,
	InsertConsent: `INSERT INTO consents (subject, client_id, resource, place, promise, scope, granted, mac)
		SELECT $1, $2, $3, $6, $7, value->>0, $5, value->>1 FROM json_each($4) WHERE true`,
	RevokeCodes: func(conditions string) string {
		return `UPDATE codes SET revoked = $1 WHERE revoked = 0 AND expires > $2
			AND NOT EXISTS (SELECT 1 FROM families WHERE families.id = codes.family_id)` + conditions
	},
	RevokeFamilies: func(conditions string) string {
		return `UPDATE families SET revoked = $1, ends = min(ends, $1) WHERE revoked = 0` + conditions
	},
	SweptFamilies: sqlstore.Past{Where: "ends <= $1 - 86400", Order: "ends"},
}
