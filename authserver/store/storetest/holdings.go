package storetest

import (
	"testing"
	"time"

	"clientele.dev/clientele/authserver/store"
)

var holdingTests = []test{
	{"what a client holds is counted", holdingsCounted},
}

func (w *world) wantHoldings(t *testing.T, clientID string, now time.Time, want store.Holdings) {
	t.Helper()
	got, err := w.store.Holdings(t.Context(), clientID, now)
	if err != nil {
		t.Fatal(err)
	}
	wantDiff(t, "holdings of "+clientID, want, got)
}

// Families that are revoked or over do not count; a person does once, however many
// scopes of however many resources they allowed.
func holdingsCounted(t *testing.T, w *world) {
	w.wantHoldings(t, "shop.web", sampleTime, store.Holdings{})
	w.putFamily(t, family("lives"))
	w.putFamily(t, family("revoked"))
	w.revoke(t, store.FamilyFilter{ID: "revoked"})
	other := family("other")
	other.Grant.ClientID = "shop.other"
	w.putFamily(t, other)
	second, elsewhere := consent("b"), consent("c")
	second.Subject = "user/2"
	elsewhere.Resource = "https://other.example.com"
	for _, c := range []store.Consent{consent("a", "b"), second, elsewhere} {
		w.consent(t, c)
	}
	w.wantHoldings(t, "shop.web", sampleTime, store.Holdings{Families: 1, People: 2})
	w.wantHoldings(t, "shop.web", sampleTime.Add(24*time.Hour), store.Holdings{People: 2}) // not used for too long
	w.wantHoldings(t, "shop.other", sampleTime, store.Holdings{Families: 1})
	w.wantHoldings(t, "shop.web' OR 1=1 --", sampleTime, store.Holdings{}) // A16
}
