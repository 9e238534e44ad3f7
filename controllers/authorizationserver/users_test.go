package authorizationserver

import (
	"strings"
	"testing"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/controllers/internal/condcheck"
	"clientele.dev/clientele/controllers/registrar"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// peopleServer has local users and two upstream providers.
func peopleServer() *v1alpha1.AuthorizationServer {
	as := testServer()
	as.Spec.Users = &v1alpha1.UsersSpec{
		Local: &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: "people"}},
		Upstreams: []v1alpha1.Upstream{
			{Name: "corp", ClientSecretRef: &v1alpha1.SecretKeyReference{Name: "upstreams", Key: "corp"}},
			{Name: "open"},
		},
	}
	return as
}

func TestUsersReady(t *testing.T) {
	problem := func(reason oauth.UsersReason, provider string) oauth.UsersProblem {
		return oauth.UsersProblem{Reason: reason, Provider: provider, Detail: "what the server says"}
	}
	missing, pending := problem(oauth.UsersSecretMissing, ""), problem(oauth.UsersPending, "")
	kept := problem(oauth.UsersSecretInvalid, "")
	kept.Kept = true
	for _, tc := range []struct {
		name     string
		problems []oauth.UsersProblem
		status   metav1.ConditionStatus
		reason   string
		says     []string
	}{
		{"all well", nil, metav1.ConditionTrue, v1alpha1.ReasonUsersInForce, nil},
		{"local users missing", []oauth.UsersProblem{missing}, metav1.ConditionFalse, v1alpha1.ReasonUsersSecretMissing, []string{
			"Secret system/people", "key users.yaml", "kubectl create secret generic people -n system --from-file=users.yaml", "clientele hash-password", "no local user can sign in"}},
		{"local users damaged", []oauth.UsersProblem{kept}, metav1.ConditionFalse, v1alpha1.ReasonUsersSecretInvalid, []string{
			"what the server says", "people", "kubectl apply -f -", "stays in force"}},
		{"not permitted", []oauth.UsersProblem{problem(oauth.UsersSecretForbidden, "")}, metav1.ConditionFalse, v1alpha1.ReasonUsersSecretForbidden, []string{
			"what the server says", "kubectl create role people-reader -n system --verb=get,list,watch --resource=secrets --resource-name=people"}},
		{"a client secret missing", []oauth.UsersProblem{problem(oauth.UsersSecretMissing, "corp")}, metav1.ConditionFalse, v1alpha1.ReasonUsersSecretMissing, []string{
			"corp", "kubectl create secret generic upstreams -n system --from-file=corp=FILE", "nobody can sign in there"}},
		{"a provider that is wrong", []oauth.UsersProblem{problem(oauth.UsersProviderInvalid, "")}, metav1.ConditionFalse, v1alpha1.ReasonUsersProviderInvalid, []string{"what the server says"}},
		{"a provider that the spec has no more", []oauth.UsersProblem{problem(oauth.UsersSecretMissing, "gone")}, metav1.ConditionFalse, v1alpha1.ReasonUsersSecretMissing, []string{"what the server says"}},
		{"a reason of a newer server", []oauth.UsersProblem{problem("novel", "")}, metav1.ConditionFalse, v1alpha1.ReasonUsersSecretInvalid, []string{"what the server says"}},
		{"two", []oauth.UsersProblem{pending, missing, problem(oauth.UsersSecretMissing, "corp")}, metav1.ConditionFalse, v1alpha1.ReasonUsersSecretMissing, []string{"people", "upstreams"}},
		{"not told by the API server", []oauth.UsersProblem{pending}, metav1.ConditionUnknown, v1alpha1.ReasonUsersUnknown, []string{"what the server says"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			as, o := peopleServer(), fine(t)
			o.state.Users = oauth.NewUsersReport(as.Generation, tc.problems)
			status := judge(as, o)
			for _, err := range condcheck.Check(as.Generation, status.ObservedGeneration, status.Conditions) {
				t.Error(err)
			}
			got := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionUsersReady)
			if got == nil || got.Status != tc.status || got.Reason != tc.reason {
				t.Fatalf("UsersReady is %+v, want %s %s", got, tc.status, tc.reason)
			}
			for _, want := range tc.says {
				if !strings.Contains(got.Message, want) {
					t.Errorf("the message %q does not say %q", got.Message, want)
				}
			}
			if !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady) {
				t.Error("Ready depends on it")
			}
		})
	}
}

func TestUsersReadyIsUnknownUntilTheServerHasTold(t *testing.T) {
	as := peopleServer()
	told := fine(t)
	told.state.Users = oauth.NewUsersReport(as.Generation, nil)
	for name, change := range map[string]func(*observed){
		"nothing told":           func(o *observed) { o.state.Users = nil },
		"of an older generation": func(o *observed) { o.state.Users = oauth.NewUsersReport(as.Generation-1, nil) },
		"away":                   func(o *observed) { o.state.Err = registrar.ErrUnreachable },
	} {
		o := told
		change(&o)
		as.Status = judge(as, told)
		got := meta.FindStatusCondition(judge(as, o).Conditions, v1alpha1.ConditionUsersReady)
		if got == nil || got.Status != metav1.ConditionUnknown || got.Reason != v1alpha1.ReasonUsersUnknown {
			t.Errorf("%s: %+v", name, got)
		}
	}
	as.Spec.Users = nil
	if got := meta.FindStatusCondition(judge(as, told).Conditions, v1alpha1.ConditionUsersReady); got != nil {
		t.Errorf("without spec.users: %+v", got)
	}
}

// F33: what the server says is shown, but cannot bring a line of its own, an
// escape sequence or a page of text into a terminal.
func TestF33TextsOfTheServerAreCleaned(t *testing.T) {
	got := clean("a\nb\x1b[31m\u202e\xff" + strings.Repeat("x", 2*maxDetail))
	if strings.ContainsAny(got, "\n\x1b\u202e") || len(got) > maxDetail || !strings.HasPrefix(got, "a b") {
		t.Errorf("%q", got)
	}
}
