package plane

import (
	"fmt"
	"path/filepath"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// WriteKubeconfig writes a kubeconfig, mode 0600, for what c says. A relative
// path in c is made absolute, for the file may be used from anywhere.
// namespace, if not empty, becomes the context's default.
func WriteKubeconfig(path string, c *rest.Config, namespace string) error {
	ca, err := filepath.Abs(c.CAFile)
	if err != nil {
		return fmt.Errorf("write the kubeconfig %s: %w", path, err)
	}
	user := clientcmdapi.NewAuthInfo()
	user.Token, user.TokenFile = c.BearerToken, c.BearerTokenFile
	cluster := clientcmdapi.NewCluster()
	cluster.Server, cluster.CertificateAuthority = c.Host, ca
	kctx := clientcmdapi.NewContext()
	kctx.Cluster, kctx.AuthInfo, kctx.Namespace = "clientele", "user", namespace

	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["clientele"] = cluster
	kubeconfig.AuthInfos["user"] = user
	kubeconfig.Contexts["clientele"] = kctx
	kubeconfig.CurrentContext = "clientele"
	if err := clientcmd.WriteToFile(*kubeconfig, path); err != nil {
		return fmt.Errorf("write the kubeconfig %s: %w", path, err)
	}
	return nil
}
