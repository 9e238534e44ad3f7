package sqlstore

import "clientele.dev/clientele/authserver/store"

// Statements are those worth compiling once, where the driver does not do it by
// itself: what writes (also what is read in write transactions), and what reads.
// What is rare or composed (sweeping, revoking by most filters, binding) is not
// among them.
func (d Dialect) Statements() (write, read []string) {
	byID := store.FamilyFilter{ID: "any"}
	codesOfFamily, _ := choose(byID, "family_id", nil, nil)
	family, _ := choose(byID, "id", nil)
	write = []string{
		readMeta + d.LockMeta, readRevision, clientByID, clientByOwner, putClient, deleteClient, policyByUID, putPolicy, deletePolicy,
		putCode, takeCode, takeAgain,
		d.PutFamily, AdvanceFamily,
		putSession, touchSession, endSession, signOut, endSessions,
		d.InsertConsent + keepConsent, withdrawConsents, putWithdrawal, endFamilies, endConsents, endWithdrawn,
		countAttempt, clearAttempts, putPushed, takePushed, revokeToken,
		d.RevokeCodes(codesOfFamily), d.RevokeFamilies(family),
	}
	read = []string{
		readMeta, readRevision, clientByID, clientsSince, policiesSince, goneSince,
		FamilyByID, familiesOf, sessionByHash, sessionsOf, readSignOuts, consentOf, consentsOf, withdrawalOf, readAttempts, tokenRevoked, readCode, codeThere, pushedThere,
	}
	for _, table := range goneWithClients {
		read = append(read, table.ofNobody())
	}
	return write, read
}
