package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "clientele.dev/clientele"
	root   = "../.."
)

// arrows says what each package of the product may import, beside the standard
// library: packages of this module by their folder, others by the beginning of
// their path. A package that is missing here is an error, so that a new room is
// a decision. `k8s` stands for k8s.io and sigs.k8s.io.
//
// Vocabulary at the bottom, pure protocol in the middle, HTTP and Kubernetes at
// two edges, wiring in main.go.
var arrows = map[string][]string{
	// The API of the cluster.
	"api/v1alpha1": {"k8s"},

	// What is installed in a cluster, as files.
	"config": {},

	// Shared by both halves; the only packages of the server that controllers know.
	"authserver/oauth":      {},
	"authserver/credential": {},
	"authserver/policy":     {"authserver/oauth"},
	"authserver/keys":       {"authserver/oauth", "github.com/go-jose/go-jose/v4"},

	// What the two databases have in common.
	"authserver/store/internal/sqlstore": {"authserver/oauth", "authserver/credential", "authserver/policy", "authserver/store"},

	// The server, from what it keeps to what it answers.
	"authserver/token":          {"authserver/keys", "github.com/go-jose/go-jose/v4", "golang.org/x/crypto/cryptobyte"},
	"authserver/store":          {"authserver/oauth", "authserver/policy"},
	"authserver/store/sqlite":   {"authserver/oauth", "authserver/store", "authserver/store/internal/sqlstore", "modernc.org/sqlite"},
	"authserver/store/postgres": {"authserver/oauth", "authserver/credential", "authserver/store", "authserver/store/internal/sqlstore", "github.com/jackc/pgx/v5"},
	"authserver/registration":   {"authserver/oauth", "authserver/policy", "authserver/store"},
	"authserver/registry":       {"authserver/oauth", "authserver/policy", "authserver/credential", "authserver/store", "authserver/registration"},
	"authserver/params":         {"authserver/oauth"},
	"authserver/peer":           {},
	"authserver/clientauth":     {"authserver/oauth", "authserver/credential", "authserver/params", "authserver/registry"},
	"authserver/rights":         {"authserver/oauth", "authserver/policy", "authserver/store", "authserver/registry"},
	"authserver/tokenstatus":    {"authserver/oauth", "authserver/credential", "authserver/policy", "authserver/token", "authserver/store", "authserver/registry", "authserver/rights"},
	"authserver/grant":          {"authserver/oauth", "authserver/params", "authserver/credential", "authserver/policy", "authserver/store", "authserver/registry", "authserver/rights"},
	"authserver/authorize":      {"authserver/oauth", "authserver/params", "authserver/credential", "authserver/policy", "authserver/store", "authserver/registry", "authserver/rights", "authserver/grant"},
	"authserver/signin": {
		"authserver/oauth", "authserver/credential", "authserver/policy", "authserver/store", "authserver/peer",
		"github.com/coreos/go-oidc/v3", "golang.org/x/oauth2", "golang.org/x/sync/singleflight", "golang.org/x/crypto/argon2", "go.yaml.in/yaml/v3",
	},
	"authserver/web":      {"authserver/oauth", "golang.org/x/net/publicsuffix"},
	"authserver/outbound": {},
	"authserver/logo":     {"golang.org/x/sync/singleflight"},
	"authserver/audit":    {"authserver/oauth", "golang.org/x/time/rate"},
	"authserver/endpoint": {
		"authserver/oauth", "authserver/credential", "authserver/keys", "authserver/policy", "authserver/token",
		"authserver/params", "authserver/peer", "authserver/registration", "authserver/registry", "authserver/clientauth",
		"authserver/rights", "authserver/tokenstatus",
		"authserver/grant", "authserver/authorize", "authserver/signin", "authserver/logo", "authserver/web", "authserver/store",
		"authserver/audit", "github.com/prometheus/client_golang", "golang.org/x/time/rate",
	},
	"authserver":      {"authserver/", "github.com/prometheus/client_golang"},
	"authserver/kube": {"api/v1alpha1", "authserver", "authserver/endpoint", "authserver/oauth", "authserver/credential", "authserver/keys", "authserver/signin", "github.com/go-logr/logr", "golang.org/x/sync/singleflight", "k8s"},

	// The operator. It speaks to the server over HTTP only.
	"controllers":                     {"api/v1alpha1", "controllers/", "authserver/keys", "github.com/go-logr/logr", "github.com/prometheus/client_golang", "k8s"},
	"controllers/internal/rules":      {"api/v1alpha1", "authserver/oauth", "authserver/policy", "k8s"},
	"controllers/internal/access":     {"api/v1alpha1", "controllers/internal/rules", "authserver/policy", "k8s"},
	"controllers/internal/outcome":    {"k8s"},
	"controllers/internal/status":     {"api/v1alpha1", "k8s"},
	"controllers/internal/watch":      {"api/v1alpha1", "k8s"},
	"controllers/internal/written":    {"k8s"},
	"controllers/internal/notice":     {"api/v1alpha1", "k8s"},
	"controllers/internal/pki":        {"api/v1alpha1"},
	"controllers/internal/forward":    {"k8s"},
	"controllers/registrar":           {"api/v1alpha1", "controllers/internal/", "authserver/oauth", "authserver/policy", "github.com/go-logr/logr", "k8s"},
	"controllers/desk":                {"api/v1alpha1", "controllers/registrar", "authserver/oauth", "github.com/spf13/cobra", "k8s"},
	"controllers/bootstrap":           {"api/v1alpha1", "github.com/spf13/cobra", "k8s"},
	"controllers/check":               {"api/v1alpha1", "config", "controllers/internal/forward", "controllers/registrar", "authserver/oauth", "github.com/coreos/go-oidc/v3", "github.com/go-logr/logr", "github.com/spf13/cobra", "k8s"},
	"controllers/oauthclient":         controller("authserver/oauth", "authserver/credential", "authserver/policy"),
	"controllers/scopepolicy":         controller("authserver/oauth", "authserver/policy"),
	"controllers/authorizationserver": controller("controllers/managed", "authserver/oauth", "authserver/credential", "authserver/keys"),
	"controllers/managed":             controller(),
	"controllers/namespaceaccess":     controller(),
	"controllers/signingkey":          controller("authserver/oauth", "authserver/keys"),

	"": {"authserver", "authserver/kube", "authserver/credential", "authserver/logo", "authserver/outbound", "authserver/peer", "authserver/signin", "authserver/store", "authserver/store/sqlite", "authserver/store/postgres", "controllers", "controllers/bootstrap", "controllers/check", "controllers/desk", "github.com/spf13/cobra", "github.com/go-logr/logr", "golang.org/x/crypto/x509roots/fallback", "k8s"},
}

// controller is what every reconciler may import, and some leaves of the server.
func controller(leaves ...string) []string {
	return append([]string{
		"api/v1alpha1", "controllers/internal/", "controllers/registrar",
		"github.com/go-logr/logr", "github.com/prometheus/client_golang", "k8s",
	}, leaves...)
}

// testOnly are packages that no product file may import; they are free to import
// what they like.
var testOnly = []string{"authserver/authtest", "authserver/idptest", "authserver/oauth/fieldtest", "authserver/store/storetest", "authserver/store/sqlite/sqlitetest", "authserver/store/postgres/pgtest", "controllers/internal/condcheck"}

// words are selectors that only some files may use, with the reason.
var words = []struct {
	selector, why string
	allowed       func(file string) bool
}{
	{"time.Now", "time is passed in as now func() time.Time", func(f string) bool { return f == "main.go" }},
	{"rand.Reader", "randomness is made in credential and keys", inKeysOrCredential},
	{"rand.Read", "randomness is made in credential and keys", inKeysOrCredential},
	{"rand.Text", "randomness is made in credential and keys", inKeysOrCredential},
}

func inKeysOrCredential(f string) bool {
	return strings.HasPrefix(f, "authserver/keys/") || strings.HasPrefix(f, "authserver/credential/")
}

func TestImportsFollowTheArrows(t *testing.T) {
	seen := map[string]bool{}
	for _, file := range productFiles(t) {
		dir := filepath.ToSlash(filepath.Dir(file.path))
		if dir == "." {
			dir = ""
		}
		if isTestOnly(dir) {
			continue
		}
		allowed, known := arrows[dir]
		if !known {
			t.Errorf("%s: package %q has no arrows yet; decide what it may import and say so in %s", file.path, dir, "hack/archtest")
			continue
		}
		seen[dir] = true
		for _, spec := range file.syntax.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			if !mayImport(path, allowed) {
				t.Errorf("%s imports %s: not among the arrows of %q %v", file.path, path, dir, allowed)
			}
		}
	}
	for dir := range arrows {
		if !seen[dir] {
			t.Errorf("the arrows name %q, which has no Go file: delete its line", dir)
		}
	}
}

func TestTimeAndRandomnessArePassedIn(t *testing.T) {
	for _, file := range productFiles(t) {
		if isTestOnly(filepath.ToSlash(filepath.Dir(file.path))) {
			continue
		}
		ast.Inspect(file.syntax, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if !ok {
				return true
			}
			for _, w := range words {
				if pkg.Name+"."+selector.Sel.Name == w.selector && !w.allowed(file.path) {
					t.Errorf("%s uses %s: %s", file.set.Position(n.Pos()), w.selector, w.why)
				}
			}
			return true
		})
	}
}

// mayImport says whether a package with these arrows may import path.
func mayImport(path string, allowed []string) bool {
	if inner, ours := strings.CutPrefix(path, module+"/"); ours {
		return !isTestOnly(inner) && slices.ContainsFunc(allowed, func(a string) bool {
			return inner == a || strings.HasSuffix(a, "/") && strings.HasPrefix(inner, a)
		})
	}
	first, _, _ := strings.Cut(path, "/")
	if !strings.Contains(first, ".") {
		return true // the standard library
	}
	if first == "k8s.io" || first == "sigs.k8s.io" {
		return slices.Contains(allowed, "k8s")
	}
	return slices.ContainsFunc(allowed, func(a string) bool {
		return path == a || strings.HasPrefix(path, a+"/")
	})
}

func isTestOnly(dir string) bool {
	return slices.Contains(testOnly, dir)
}

type sourceFile struct {
	path   string
	set    *token.FileSet
	syntax *ast.File
}

// productFiles parses every Go file of the product: no tests, nothing below hack.
func productFiles(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() && (rel == "hack" || rel != "." && strings.HasPrefix(d.Name(), ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(rel, ".go") || strings.HasSuffix(rel, "_test.go") {
			return nil
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("parse %s: %w", rel, err)
		}
		files = append(files, sourceFile{path: filepath.ToSlash(rel), set: set, syntax: syntax})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
