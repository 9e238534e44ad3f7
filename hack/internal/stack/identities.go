package stack

import (
	"context"
	"fmt"
	"os"
	"time"

	"clientele.dev/clientele/hack/internal/plane"
	"k8s.io/client-go/rest"
)

// SystemNamespace is where operator, server and AuthorizationServer live.
const SystemNamespace = "clientele-system"

const (
	// tokenLifetime is what kubelet asks for a mounted token.
	tokenLifetime = time.Hour
	// tokenRefresh leaves two chances to try again before one expires.
	tokenRefresh = 20 * time.Minute
)

// serviceAccount is one under whose rights a part of the product runs. Its
// token lies in a file and is renewed there, as kubelet does it in a cluster.
type serviceAccount struct{ name, tokenFile, kubeconfig string }

func (s *Stack) identity(name string) serviceAccount {
	return serviceAccount{name: name, tokenFile: s.secret(name + ".token"), kubeconfig: s.secret(name + ".kubeconfig")}
}

func (s *Stack) operatorIdentity() serviceAccount { return s.identity("clientele-operator") }
func (s *Stack) serverIdentity() serviceAccount   { return s.identity("clientele-server") }

// makeIdentities gives operator and server kubeconfigs of their own, so that
// here too they have the rights of config/install.yaml and not one more.
func (s *Stack) makeIdentities(ctx context.Context) (string, error) {
	for _, sa := range []serviceAccount{s.operatorIdentity(), s.serverIdentity()} {
		if err := s.renewToken(ctx, sa); err != nil {
			return "", err
		}
		c := rest.CopyConfig(s.plane.Admin())
		c.BearerToken, c.BearerTokenFile = "", sa.tokenFile
		if err := plane.WriteKubeconfig(sa.kubeconfig, c, SystemNamespace); err != nil {
			return "", err
		}
	}
	return "operator and server have ServiceAccount tokens of their own", nil
}

// renewToken replaces the token file in one rename, so that no reader sees half.
func (s *Stack) renewToken(ctx context.Context, sa serviceAccount) error {
	token, err := s.plane.Token(ctx, SystemNamespace, sa.name, tokenLifetime)
	if err != nil {
		return err
	}
	fresh := sa.tokenFile + ".new"
	if err := os.WriteFile(fresh, []byte(token), 0o600); err != nil {
		return fmt.Errorf("write the token of %s: %w", sa.name, err)
	}
	if err := os.Rename(fresh, sa.tokenFile); err != nil {
		return fmt.Errorf("write the token of %s: %w", sa.name, err)
	}
	return nil
}

// KeepTokensFresh renews the tokens until the returned function is called.
func (s *Stack) KeepTokensFresh(ctx context.Context) (stop func()) {
	return every(tokenRefresh, func() {
		for _, sa := range []serviceAccount{s.operatorIdentity(), s.serverIdentity()} {
			if err := s.renewToken(ctx, sa); err != nil {
				s.Report.Say("cannot renew a token, trying again in %s: %v", tokenRefresh, err)
			}
		}
	})
}
