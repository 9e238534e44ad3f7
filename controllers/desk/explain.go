package desk

import (
	"errors"
	"fmt"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"

	"clientele.dev/clientele/controllers/registrar"
)

// Who may use the command: charts/clientele/templates/roles.yaml.
const adminRole = "Role clientele-support-admin has it (config/install.yaml): bind it to yourself, or ask somebody who may"

// explainObject says why there is no AuthorizationServer to be had, and what to do.
func explainObject(err error, object registrar.Key) error {
	switch {
	case meta.IsNoMatchError(err):
		return advise(err, "Clientele is not installed in this cluster; is it the right one? --context chooses another")
	case apierrors.IsNotFound(err):
		return advise(err, "There is no AuthorizationServer %s: `kubectl get authorizationservers -A` lists them, --authorization-server names one", object)
	case apierrors.IsForbidden(err):
		return advise(err, "It takes verb get on authorizationservers in namespace %s; %s", object.Namespace, adminRole)
	}
	return err
}

// explain says of an error of the registrar API what to do about it.
func (c connection) explain(err error) error {
	var status *registrar.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return c.explainStatus(err, status)
	case errors.Is(err, registrar.ErrToken) && apierrors.IsForbidden(err):
		return advise(err, "It takes verb create on serviceaccounts/token for %s in namespace %s; %s", c.account.Name, c.account.Namespace, adminRole)
	case errors.Is(err, registrar.ErrToken) && apierrors.IsNotFound(err):
		return advise(err, "There is no ServiceAccount %s: `kubectl apply -k config` makes it, --service-account names another", c.account)
	case errors.Is(err, registrar.ErrInsecure):
		return advise(err, "The token is sent over https only, or to this machine; --url names another way to the server")
	case errors.Is(err, registrar.ErrUnreachable):
		return advise(err, "%s cannot be reached from here. Forward the server's port and say where:\n"+
			"  kubectl -n %s port-forward %s %s\n"+
			"  clientele %s ... --url https://127.0.0.1:%s (http, if the server runs without TLS)", c.url, c.object.Namespace, c.forward.to, c.forward.port, c.command, c.forward.port)
	case errors.Is(err, registrar.ErrGarbage):
		return advise(err, "Does %s answer for the authorization server? --url names another address", c.url)
	}
	return err
}

func (c connection) explainStatus(err error, e *registrar.StatusError) error {
	switch e.Status {
	case http.StatusUnauthorized:
		return advise(err, "The server does not take the token of ServiceAccount %s. Is it the server of AuthorizationServer %s, and of this cluster?", c.account, c.object)
	case http.StatusForbidden:
		return advise(err, "ServiceAccount %s needs RBAC verb manage on authorizationserver %s in namespace %s: Role clientele-support has it (config/install.yaml)", c.account, c.object.Name, c.object.Namespace)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return advise(err, "Does %s lead to the authorization server, and to one of this version? A server with --registrar-address answers these commands at that port only. --url names another address", c.url)
	case http.StatusServiceUnavailable:
		return advise(err, "The server is not ready, or has not read everything yet: `kubectl -n %s describe authorizationserver %s` says why", c.object.Namespace, c.object.Name)
	}
	return err
}

// advise adds to an error what to do.
func advise(err error, format string, args ...any) error {
	return fmt.Errorf("%w\n%s", err, fmt.Sprintf(format, args...))
}
