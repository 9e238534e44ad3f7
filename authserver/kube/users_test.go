package kube_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/authtest"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/kube"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/hack/testenv"
)

// users is a document of local users with these ids as names too.
func users(t *testing.T, ids ...string) string {
	t.Helper()
	hash, err := signin.HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	text := "users:\n"
	for _, id := range ids {
		text += "- {username: " + id + ", id: " + id + ", passwordHash: '" + hash + "'}\n"
	}
	return text
}

func knows(a *kube.Adapter, ids ...string) func() bool {
	return func() bool {
		for _, id := range ids {
			if _, ok, err := a.Users().User(oauth.LocalSubject(id)); err != nil || !ok {
				return false
			}
		}
		return a.Users().Known() && a.Users().Len() == len(ids)
	}
}

func choices(a *kube.Adapter) string {
	var names []string
	for _, c := range a.Upstreams().Choices() {
		names = append(names, c.Name+"="+c.DisplayName)
	}
	return strings.Join(names, " ")
}

func secretOf(n, key, value string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: n}, Data: map[string][]byte{key: []byte(value)}}
}

// The local users follow their Secret: named, missing, made, edited, damaged
// (those of before stay), and not named any more.
func TestLocalUsersFollowTheirSecret(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	a := newAdapter(t)
	server, signing, serverKeys := objects(t)
	create(t, c, server)
	create(t, c, signing)
	create(t, c, serverKeys)
	snapshots := run(t, a)
	await(t, snapshots, "everything", complete)
	if !knows(a)() || a.Upstreams() == nil || choices(a) != "" {
		t.Error("there are users that nobody named, or it is not known that there are none")
	}

	server.Spec.Users = &v1alpha1.UsersSpec{Local: &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: "default-users"}}}
	if err := c.Update(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	await(t, snapshots, "missing users", waits("local users", "default-users: it does not exist"))
	if a.Users().Known() {
		t.Error("users that were never read are known")
	}
	people := secretOf("default-users", v1alpha1.LocalUsersKey, users(t, "ada"))
	create(t, c, people)
	testenv.Eventually(t, "ada is known", knows(a, "ada"))

	people.Data[v1alpha1.LocalUsersKey] = []byte(users(t, "ada", "grace"))
	if err := c.Update(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "grace is known too", knows(a, "ada", "grace"))

	planted := "planted-" + credential.NewClientSecret().Reveal()
	people.Data[v1alpha1.LocalUsersKey] = []byte("users: [{username: ada, passwordHash: " + planted + "}]")
	if err := c.Update(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	s := await(t, snapshots, "damaged users", waits("default-users, key users.yaml"))
	if told := strings.Join(s.Waiting, " "); strings.Contains(told, planted) {
		t.Errorf("F36: the document is told: %s", told)
	}
	if !knows(a, "ada", "grace")() {
		t.Error("a damaged document took the users away")
	}

	server.Spec.Users = nil
	if err := c.Update(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "nobody is known any more", knows(a))
}

// TestUsersAreNotKnownBeforeTheirSecretWasRead: after a start an adapter says with its
// first settings already that it does not know the people, whyever it does not.
func TestUsersAreNotKnownBeforeTheirSecretWasRead(t *testing.T) {
	for why, secret := range map[string]*corev1.Secret{
		"missing": nil,
		"damaged": secretOf("default-users", v1alpha1.LocalUsersKey, "users: [{username: ada}]"),
		"no key":  secretOf("default-users", "another", users(t, "ada")),
	} {
		t.Run(why, func(t *testing.T) {
			c := testenv.Client(t, v1alpha1.AddToScheme)
			server, _, _ := objects(t)
			server.Spec.Users = &v1alpha1.UsersSpec{Local: &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: "default-users"}}}
			if secret != nil {
				create(t, c, secret)
			}
			create(t, c, server)
			a := newAdapter(t)
			if a.Users().Known() || a.Upstreams() != nil {
				t.Fatal("people are known before anything was read")
			}
			snapshots := run(t, a)
			await(t, snapshots, "settings", func(s authserver.Snapshot) bool {
				if s.Settings != nil && (a.Users().Known() || a.Upstreams() == nil) {
					t.Error("users are known, or providers are not, when the settings are delivered")
				}
				return s.Settings != nil && waits("default-users")(s)
			})
			if secret == nil {
				secret = secretOf("default-users", v1alpha1.LocalUsersKey, users(t, "ada"))
				create(t, c, secret)
			} else {
				secret.Data = map[string][]byte{v1alpha1.LocalUsersKey: []byte(users(t, "ada"))}
				if err := c.Update(t.Context(), secret); err != nil {
					t.Fatal(err)
				}
			}
			testenv.Eventually(t, "ada is known", knows(a, "ada"))
			if err := c.Delete(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
			await(t, snapshots, "users gone", waits("default-users: it does not exist"))
			if !knows(a, "ada")() {
				t.Error("users that were read are forgotten")
			}
		})
	}
}

// TestRightsToUsersTakenAway: what was read stays in force, and it is told which right
// is missing on which Secret; changes are seen again once the right is back.
func TestRightsToUsersTakenAway(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	server, signing, serverKeys := objects(t)
	ref := v1alpha1.SecretKeyReference{Name: "default-upstreams", Key: "corp"}
	server.Spec.Users = &v1alpha1.UsersSpec{
		Local:     &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: "default-users"}},
		Upstreams: []v1alpha1.Upstream{{Name: "corp", Issuer: "https://login.example", ClientID: "x", ClientSecretRef: &ref}},
	}
	people := secretOf("default-users", v1alpha1.LocalUsersKey, users(t, "ada"))
	for _, o := range []client.Object{people, secretOf("default-upstreams", "corp", "planted-secret"), signing, serverKeys, server} {
		create(t, c, o)
	}
	line, log := &testenv.Line{}, &authtest.Log{}
	a := newAdapter(t, func(o *kube.Options) {
		o.Config, o.Log = line.Through(o.Config), slog.New(slog.NewTextHandler(log, nil))
	})
	snapshots := run(t, a)
	await(t, snapshots, "everything", complete)

	const account = "system:serviceaccount:" + system + ":clientele-server"
	role := client.ObjectKey{Namespace: system, Name: "clientele-server"}
	for _, tc := range []struct{ secret, whose, provider string }{
		{"default-users", "local users: ", ""},
		{"default-upstreams", "upstream provider corp: ", "corp"},
	} {
		want := []string{
			tc.whose + "waiting for Secret " + system + "/" + tc.secret, `secrets "` + tc.secret + `" is forbidden`,
			`User "` + account + `" cannot list resource "secrets"`, `in the namespace "` + system + `"`,
		}
		giveBack := testenv.TakeAway(t, role, tc.secret, account)
		line.Cut()
		s := await(t, snapshots, "the missing right to "+tc.secret, waits(want...))
		if p := s.Users.Problems; len(p) != 1 || p[0].Reason != oauth.UsersSecretForbidden || !p[0].Kept || p[0].Provider != tc.provider {
			t.Errorf("reported %+v", p)
		}
		if !knows(a, "ada")() || choices(a) != "corp=corp" {
			t.Errorf("what was read is not in force: %s", choices(a))
		}
		fresh := newAdapter(t)
		s = await(t, run(t, fresh), "the missing right after a start", waits(want...))
		if !slices.ContainsFunc(s.Users.Problems, func(p oauth.UsersProblem) bool {
			return p.Reason == oauth.UsersSecretForbidden && p.Provider == tc.provider && !p.Kept
		}) {
			t.Errorf("after a start: %+v", s.Users.Problems)
		}
		giveBack()
		await(t, snapshots, "everything again", complete)
		for _, text := range append(want, "people who may sign in: not all is in force") {
			if quoted := strings.ReplaceAll(text, `"`, `\"`); !strings.Contains(log.String(), quoted) {
				t.Errorf("the log does not say %q:\n%s", text, log)
			}
		}
	}
	people.Data[v1alpha1.LocalUsersKey] = []byte(users(t, "ada", "grace"))
	if err := c.Update(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "a change is seen again", knows(a, "ada", "grace"))

	// Of a Secret that is not there nothing else comes that would tell.
	if err := c.Delete(t.Context(), people); err != nil {
		t.Fatal(err)
	}
	missing := waits("default-users: it does not exist")
	await(t, snapshots, "that it is gone", missing)
	giveBack := testenv.TakeAway(t, role, "default-users", account)
	line.Cut()
	await(t, snapshots, "the missing right to what is gone", waits(`secrets "default-users" is forbidden`))
	giveBack()
	await(t, snapshots, "that it is gone, again", missing)
	if strings.Contains(log.String(), "planted-secret") || strings.Contains(log.String(), "argon2id") {
		t.Errorf("F36: the log tells a secret:\n%s", log)
	}
}

// A provider is offered once its client secret can be read, and stays when the
// Secret goes; the others do not wait for it.
func TestUpstreamsFollowSpecAndSecrets(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	a := newAdapter(t)
	server, signing, serverKeys := objects(t)
	ref := v1alpha1.SecretKeyReference{Name: "default-upstreams", Key: "corp"}
	server.Spec.Users = &v1alpha1.UsersSpec{Upstreams: []v1alpha1.Upstream{
		{Name: "corp", DisplayName: "The company", Issuer: "https://login.example", ClientID: "x", ClientSecretRef: &ref},
		{Name: "open", Issuer: "https://open.example", ClientID: "y"},
	}}
	create(t, c, server)
	create(t, c, signing)
	create(t, c, serverKeys)
	snapshots := run(t, a)
	await(t, snapshots, "a missing client secret", waits("upstream provider corp", "default-upstreams: it does not exist"))
	testenv.Eventually(t, "the other one is offered", func() bool { return choices(a) == "open=open" })

	secret := secretOf("default-upstreams", "corp", "planted")
	create(t, c, secret)
	testenv.Eventually(t, "both are offered", func() bool { return choices(a) == "corp=The company open=open" })
	await(t, snapshots, "everything", complete)
	if err := c.Delete(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	await(t, snapshots, "the client secret gone", waits("default-upstreams: it does not exist"))
	if choices(a) != "corp=The company open=open" {
		t.Errorf("without its Secret: %s", choices(a))
	}
	server.Spec.Users.Upstreams = server.Spec.Users.Upstreams[1:]
	if err := c.Update(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, "the first is gone", func() bool { return choices(a) == "open=open" })
	await(t, snapshots, "nothing to wait for", func(s authserver.Snapshot) bool { return len(s.Waiting) == 0 })
}

func TestLockoutFollowsTheSpec(t *testing.T) {
	c := testenv.Client(t, v1alpha1.AddToScheme)
	a := newAdapter(t)
	server, _, _ := objects(t)
	server.Spec.Users = &v1alpha1.UsersSpec{Local: &v1alpha1.LocalUsers{SecretRef: v1alpha1.SecretKeyReference{Name: "default-users"}}}
	create(t, c, server)
	snapshots := run(t, a)
	has := func(want signin.Limits) func(authserver.Snapshot) bool {
		return func(s authserver.Snapshot) bool { return s.Settings != nil && s.Settings.SignIn == want }
	}
	await(t, snapshots, "the defaults", has(signin.Limits{}))
	server.Spec.Users.Lockout = &v1alpha1.Lockout{PerUserAndAddress: 3, PerUser: 30, PerAddress: 300, Window: &metav1.Duration{Duration: time.Hour}}
	if err := c.Update(t.Context(), server); err != nil {
		t.Fatal(err)
	}
	await(t, snapshots, "the limits", has(signin.Limits{PerPair: 3, PerUsername: 30, PerAddress: 300, Window: time.Hour}))
}
