package endpoint

import (
	"log/slog"
	"net/http"

	"clientele.dev/clientele/authserver/audit"
	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// policyAnswer is the answer of PUT /registrar/v1/resources/{uid}.
type policyAnswer struct {
	Digest   string `json:"digest"`
	StoreID  string `json:"store_id"`
	Revision int64  `json:"revision"`
}

// putPolicy is PUT /registrar/v1/resources/{uid}: a ScopePolicy comes into force.
func (s *Server) putPolicy(x *exchange, caller Caller) int {
	var p policy.Policy
	err := readJSON(x, &p)
	if err == nil && p.UID != x.rest {
		err = oauth.InvalidRequest("uid must equal the one in the URL")
	}
	if by := policy.ReservedBy(x.view.Settings.Issuer, nil, p.Resource); err == nil && by != "" {
		err = oauth.InvalidRequest("resource is reserved: it is, or lies below, %s", by)
	}
	if err != nil {
		return s.registrationFailed(x, caller, "", err)
	}
	digest, revision, err := s.Registry.PutPolicy(x.r.Context(), caller.Cluster, p)
	if err != nil {
		return s.registrationFailed(x, caller, "", storeError(err))
	}
	s.Audit.Write(x.r.Context(), audit.PolicyStored,
		slog.String("uid", p.UID), slog.String("resource", p.Resource),
		slog.String("caller", caller.User), slog.Int64("revision", revision))
	return writeJSON(x, http.StatusOK, policyAnswer{Digest: digest, StoreID: s.Registry.StoreID(), Revision: revision})
}

// deletePolicy is DELETE /registrar/v1/resources/{uid}: 204, also if it is absent.
func (s *Server) deletePolicy(x *exchange, caller Caller) int {
	if !oauth.ValidUID(x.rest) {
		return s.registrationFailed(x, caller, "", oauth.InvalidRequest("the last segment of the URL must be the uid of a ScopePolicy"))
	}
	if err := s.Registry.DeletePolicy(x.r.Context(), caller.Cluster, x.rest); err != nil {
		return s.registrationFailed(x, caller, "", storeError(err))
	}
	s.Audit.Write(x.r.Context(), audit.PolicyDeleted, slog.String("uid", x.rest), slog.String("caller", caller.User))
	return noContent(x)
}
