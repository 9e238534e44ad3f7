package registrar

import (
	"context"
	"net/http"
	"net/url"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

// PutPolicy creates or replaces a policy. On success the inventory knows it as
// the server now has it.
func (s *Server) PutPolicy(ctx context.Context, p policy.Policy) error {
	var answer struct {
		Digest   string `json:"digest"`
		StoreID  string `json:"store_id"`
		Revision int64  `json:"revision"`
	}
	if _, err := s.Endpoints(ctx); err != nil {
		return err
	}
	if err := s.mayCarry(p); err != nil {
		return err
	}
	_, err := s.do(ctx, call{
		method: http.MethodPut,
		url:    s.registrarURL("resources/" + url.PathEscape(p.UID)),
		body:   p,
		into:   &answer,
	})
	if err != nil {
		return err
	}
	if answer.Digest == "" || answer.StoreID == "" {
		return ErrGarbage
	}
	s.inventory.recordPolicy(answer.StoreID, answer.Revision, oauth.PolicyEntry{UID: p.UID, Digest: answer.Digest})
	return nil
}

// DeletePolicy deletes a policy. An absent one is a success.
func (s *Server) DeletePolicy(ctx context.Context, uid string) error {
	_, err := s.do(ctx, call{method: http.MethodDelete, url: s.registrarURL("resources/" + url.PathEscape(uid))})
	if err != nil {
		return err
	}
	s.inventory.forgetPolicy(uid)
	return nil
}

// Replicas lists the server's running processes.
func (s *Server) Replicas(ctx context.Context) (oauth.ReplicaList, error) {
	var answer oauth.ReplicaList
	_, err := s.do(ctx, call{method: http.MethodGet, url: s.registrarURL("replicas"), into: &answer})
	return answer, err
}
