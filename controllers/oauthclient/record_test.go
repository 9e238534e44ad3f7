package oauthclient

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var someServer = types.NamespacedName{Namespace: "system", Name: "default"}

func someRecord() *record {
	oac := &v1alpha1.OAuthClient{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "app", UID: "uid"}}
	r := newRecord(oac, time.Unix(1_800_000_000, 0).UTC())
	r.URI = "https://auth.example/oauth/register/ns.app"
	r.Next, r.Previous = credential.NewClientSecret(), credential.NewClientSecret()
	r.State.PreviousExpires = r.State.Issued.Add(time.Hour)
	r.State.PendingRotate = "2"
	r.State.Adopted = "old-uid"
	return r
}

func TestRecordSurvivesItsSecret(t *testing.T) {
	want := someRecord()
	s, err := want.toSecret(someServer)
	if err != nil {
		t.Fatal(err)
	}
	got := readRecord(s)
	if got.heal(time.Now()) {
		t.Error("a whole record was healed")
	}
	got.secret = nil
	if diff := cmp.Diff(reveal(want), reveal(got)); diff != "" {
		t.Error(diff)
	}
	if s.Name != recordName("default", types.NamespacedName{Namespace: "ns", Name: "app"}) || s.Labels[labelServer] != "default" || serverOf(s) != someServer {
		t.Errorf("%s %v %v", s.Name, s.Labels, s.Annotations)
	}
}

// reveal makes secrets comparable.
func reveal(r *record) map[string]any {
	return map[string]any{
		"owner": r.Owner, "uid": r.OwnerUID, "id": r.ClientID, "uri": r.URI, "state": r.State,
		"secrets": []string{r.Token.Reveal(), r.Current.Reveal(), r.Next.Reveal(), r.Previous.Reveal()},
	}
}

func TestDamagedRecordIsHealedOnce(t *testing.T) {
	for _, key := range []string{keySecret, keyToken, keyState} {
		t.Run(key, func(t *testing.T) {
			s, err := someRecord().toSecret(someServer)
			if err != nil {
				t.Fatal(err)
			}
			s.Data[key] = []byte("{damaged")
			r := readRecord(s)
			before := r.State.Counter
			if !r.heal(time.Now()) || r.State.Counter != before+1 {
				t.Fatal("not healed, or the counter did not move")
			}
			if r.heal(time.Now()) {
				t.Error("healed twice")
			}
		})
	}
}

func TestEmptyRecordIsHealed(t *testing.T) {
	r := readRecord(&corev1.Secret{})
	if !r.heal(time.Now()) || r.Current == "" || r.Token == "" || len(r.hashes()) != 1 {
		t.Error("an emptied record is not whole again")
	}
}

func TestRecordShowsNoSecret(t *testing.T) {
	r := someRecord()
	text := fmt.Sprintf("%v %+v %#v", *r, *r, r.Current)
	for _, s := range []credential.Secret{r.Token, r.Current, r.Next, r.Previous} {
		if strings.Contains(text, s.Reveal()) {
			t.Error("a record printed shows a secret")
		}
	}
}

// Secrets of old formats must be readable for ever: this is version 1.
func TestStateVersion1(t *testing.T) {
	const text = `{"version":1,"counter":7,"issued":"2026-01-02T03:04:05Z","previousExpires":"2026-01-03T03:04:05Z","handledRotate":"a","pendingRotate":"b","deletionPolicy":"Orphan","orphaned":true,"adopted":"u"}`
	r := readRecord(&corev1.Secret{Data: map[string][]byte{keyState: []byte(text)}})
	want := state{Version: 1, Counter: 7, Issued: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), PreviousExpires: time.Date(2026, 1, 3, 3, 4, 5, 0, time.UTC),
		HandledRotate: "a", PendingRotate: "b", DeletionPolicy: v1alpha1.DeletionPolicyOrphan, Orphaned: true, Adopted: "u"}
	if diff := cmp.Diff(want, r.State); diff != "" {
		t.Error(diff)
	}
}

func TestRecordNamesDoNotCollide(t *testing.T) {
	a := recordName("s", types.NamespacedName{Namespace: "a", Name: "b.c"})
	b := recordName("s", types.NamespacedName{Namespace: "a.b", Name: "c"})
	c := recordName("t", types.NamespacedName{Namespace: "a", Name: "b.c"})
	if a == b || a == c || len(a) != 24 {
		t.Error(a, b, c)
	}
}
