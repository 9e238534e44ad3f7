package signin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/store"
)

const rightPassword = "right"

// rightHash is made once: hashing is slow on purpose.
var rightHash = sync.OnceValue(func() string {
	h, err := HashPassword(rightPassword)
	if err != nil {
		panic(err)
	}
	return h
})

func replaceHash(document string) string { return strings.ReplaceAll(document, "HASH", rightHash()) }

const twoUsers = `
users:
  - username: Ada
    id: 7f3c1d
    passwordHash: HASH
    name: Ada Lovelace
    email: ada@example.com
    emailVerified: true
    roles: [admin, author]
    groups: [engineering]
    tenant: acme
  - {"username": "bob@example.com", "id": "bob", "passwordHash": "HASH", "disabled": true}
`

func TestDirectoryReadsTheDocument(t *testing.T) {
	var l Local
	l.Set(directory(t, twoUsers))
	u, ok, err := l.User("user/7f3c1d")
	want := User{
		Subject: "user/7f3c1d", Source: store.Source{Name: SourceLocal, Stamp: stampOf(rightHash())}, Username: "Ada", Name: "Ada Lovelace",
		Email: "ada@example.com", EmailVerified: true, Roles: []string{"admin", "author"}, Groups: []string{"engineering"}, Tenant: "acme",
	}
	if err != nil || !ok || fmt.Sprint(u) != fmt.Sprint(want) {
		t.Fatalf("got %+v, %v, want %+v", u, ok, want)
	}
	if _, ok, err := l.User("user/bob"); err != nil || ok {
		t.Error("a disabled user is given out")
	}
	if l.Len() != 2 {
		t.Errorf("Len is %d, want 2", l.Len())
	}
	l.Set(nil)
	if _, ok, err := l.User("user/7f3c1d"); err != nil || ok || l.Len() != 0 {
		t.Error("the users are still there after the document went")
	}
}

func TestDirectoryTakesAnEmptyDocument(t *testing.T) {
	for _, document := range []string{"", "users:", "users: []", `{"users": []}`, "# nobody yet\n"} {
		if d, err := ParseDirectory([]byte(document)); err != nil || d.Len() != 0 {
			t.Errorf("%q: %d users, error %v", document, d.Len(), err)
		}
	}
}

func TestDirectorySaysWhatIsWrong(t *testing.T) {
	user := func(more string) string {
		return "users:\n  - {username: ada, id: a1, passwordHash: 'HASH'}\n  - {username: eve, " + more + "}"
	}
	for name, c := range map[string]struct{ document, want string }{
		"not YAML":             {"users:\n  - {", "line 2: not YAML"},
		"another key":          {"people: []", "want one key, users"},
		"two documents' keys":  {"users: []\nmore: 1", "want one key, users"},
		"a map of users":       {"users: {ada: 1}", "users: want a list"},
		"a user that is text":  {"users: [ada]", "users[0], line 1: want a user"},
		"unknown field":        {user(`id: e, passwordHash: 'HASH', admin: true`), "users[1], line 3: line 3: unknown field; want one of username, id"},
		"field twice":          {user("id: e, id: f, passwordHash: 'HASH'"), "users[1], line 3: id: given twice"},
		"no id":                {user("passwordHash: 'HASH'"), "users[1], line 3: id: missing"},
		"no hash":              {user("id: e"), "users[1], line 3: passwordHash: missing"},
		"id with a colon":      {user("id: 'oidc:x', passwordHash: 'HASH'"), "users[1], line 3: id: want 1 to"},
		"numeric id":           {user("id: 7, passwordHash: 'HASH'"), "users[1], line 3: id: want a string, in quotes"},
		"same id":              {user("id: a1, passwordHash: 'HASH'"), "id: the same as that of users[0]"},
		"same name":            {user("id: e, passwordHash: 'HASH'}\n  - {username: ADA, id: x, passwordHash: 'HASH'"), "username: the same as that of users[0]"},
		"plain password":       {user("id: e, passwordHash: hunter2"), "users[1], line 3: passwordHash: not an Argon2id hash"},
		"bcrypt":               {user("id: e, passwordHash: '$2b$12$abcdefghijklmnopqrstuv'"), "`clientele hash-password` makes one"},
		"quoted bool":          {user(`id: e, passwordHash: 'HASH', disabled: 'true'`), "users[1], line 3: disabled: want true or false"},
		"YAML 1.1 bool":        {user(`id: e, passwordHash: 'HASH', disabled: yes`), "users[1], line 3: disabled: want true or false"},
		"roles as text":        {user(`id: e, passwordHash: 'HASH', roles: admin`), "users[1], line 3: roles: want a list"},
		"empty role":           {user(`id: e, passwordHash: 'HASH', roles: ['']`), "users[1], line 3: roles: want strings"},
		"email":                {user(`id: e, passwordHash: 'HASH', email: nobody`), "users[1], line 3: email: want an address"},
		"control in name":      {user(`id: e, passwordHash: 'HASH', name: "a\u202eb"`), "users[1], line 3: name: want text on one line"},
		"space in username":    {"users: [{username: a b, id: x, passwordHash: 'HASH'}]", "users[0], line 1: username: want 1 to 128"},
		"an anchor":            {"users: [&a {username: ada, id: x, passwordHash: 'HASH'}, *a]", "users[1], line 1: want a user"},
		"hash as the username": {"users: [{username: 'HASH', id: x, passwordHash: 'HASH'}]", "users[0], line 1: username: want"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseDirectory([]byte(replaceHash(c.document)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want it to say %q", err, c.want)
			}
			for _, secret := range []string{"argon2id$v=19$m=19456,t=2,p=1$" + strings.Split(rightHash(), "$")[4], "hunter2", "abcdefghijklmnop"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error quotes a secret: %v", err)
				}
			}
		})
	}
}

// The error about an unknown field names every field that there is, and no other.
func TestFieldNamesAreThoseOfTheDocument(t *testing.T) {
	named := strings.Split(fieldNames, ", ")
	if slices.Sort(named); !slices.Equal(named, slices.Sorted(maps.Keys(fields))) {
		t.Errorf("named %v, read %v", named, slices.Sorted(maps.Keys(fields)))
	}
}

func TestDirectoryDoesNotPrintHashes(t *testing.T) {
	d := directory(t, twoUsers)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, d); got != "2 local users" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}

func TestHashPasswordMakesWhatTheDocumentTakes(t *testing.T) {
	a, err := HashPassword("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("got %q", a)
	}
	h, err := parseHash(a)
	if err != nil || !h.matches("correct horse") || h.matches("correct horsf") {
		t.Errorf("%q does not match its password, or matches another: %v", a, err)
	}
	if b, _ := HashPassword("correct horse"); a == b {
		t.Error("two hashes of one password are equal: the salt is not random")
	}
	for _, bad := range []string{"", strings.Repeat("x", MaxPasswordLength+1)} {
		if _, err := HashPassword(credential.Secret(bad)); err == nil {
			t.Errorf("a password of %d bytes was hashed", len(bad))
		}
	}
}

// The vector is of the reference implementation's command line tool:
// echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 (README of
// P-H-C/phc-winner-argon2 names the form).
func TestHashOfTheReferenceImplementation(t *testing.T) {
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	h, err := parseHash(phc)
	if err != nil {
		t.Fatal(err)
	}
	if !h.matches("password") || h.matches("Password") {
		t.Error("the reference hash does not match its password, or matches another")
	}
}

func TestParseHashRefuses(t *testing.T) {
	const salt, key = "c29tZXNhbHQ", "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	for _, phc := range []string{
		"", "$", "password",
		"$argon2i$v=19$m=65536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2$" + salt + "$" + key,
		"$argon2id$v=19$t=2,m=65536,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=0$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=0,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=-1,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4096,t=3,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=19456,t=1,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=4194304,t=2,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=1000,p=1$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=300$" + salt + "$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1$c29$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + salt,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "=$" + key,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + key + "$",
		" $argon2id$v=19$m=65536,t=2,p=1$" + salt + "$" + key,
	} {
		if _, err := parseHash(phc); err == nil {
			t.Errorf("accepted %q", phc)
		} else if strings.Contains(err.Error(), salt) {
			t.Errorf("the error quotes the hash: %v", err)
		}
	}
}
