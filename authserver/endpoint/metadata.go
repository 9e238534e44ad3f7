package endpoint

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/oauth"
)

// document is a public answer that is made once per View.
type document struct {
	body         []byte
	etag         string
	cacheControl string
}

func newDocument(body []byte, maxAge time.Duration) document {
	return document{
		body:         body,
		etag:         `"` + credential.Hash(string(body))[:32] + `"`,
		cacheControl: "public, max-age=" + strconv.FormatInt(int64(maxAge/time.Second), 10),
	}
}

// write answers the document, or 304 to whoever has it (RFC 9110, Section 13.1.2).
func (d document) write(x *exchange) int {
	header := x.w.Header()
	header.Set("Cache-Control", d.cacheControl)
	header.Set("ETag", d.etag)
	if x.r.Header.Get("If-None-Match") == d.etag {
		x.w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	header["Content-Type"] = jsonType
	_, _ = x.w.Write(d.body)
	return http.StatusOK
}

// metadataMaxAge is how long the metadata may be cached: a change of settings is
// rare, and its effect need not be immediate.
const metadataMaxAge = 5 * time.Minute

// newMetadata makes the document of RFC 8414, Section 2 and of OpenID Connect
// Discovery 1.0, Section 3. Only what works stands in it, and it is made of the
// issuer, never of the Host header.
func newMetadata(v *View, scopes ...string) (document, error) {
	m := oauth.ServerMetadata{
		Issuer:                           v.Settings.Issuer,
		JWKSURI:                          v.base + pathJWKS,
		RegistrationEndpoint:             v.base + pathRegister,
		IDTokenSigningAlgValuesSupported: v.algorithms(),
		DefaultResource:                  v.terms.DefaultResource,
		Protocol:                         oauth.Protocol,
		Version:                          v.version,
	}
	v.tokenMetadata(&m)
	if v.Settings.Users {
		m.ScopesSupported = scopes
		v.authorizationMetadata(&m)
		v.identityMetadata(&m)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return document{}, err
	}
	return newDocument(body, metadataMaxAge), nil
}

// authorizationMetadata is the part that is about authorization requests.
func (v *View) authorizationMetadata(m *oauth.ServerMetadata) {
	no := false
	m.AuthorizationEndpoint = v.base + pathAuthorize
	m.PushedAuthorizationRequestEndpoint = v.base + pathPAR
	m.ResponseTypesSupported = oauth.SupportedResponseTypes()
	m.ResponseModesSupported = oauth.SupportedResponseModes()
	m.CodeChallengeMethodsSupported = []string{oauth.ChallengeS256}
	m.AuthorizationResponseIssParameterSupported = true
	m.PromptValuesSupported = oauth.SupportedPrompts()
	m.SubjectTypesSupported = []string{"public"}
	m.RequestURIParameterSupported = &no // but for pushed ones (RFC 9126, Section 5)
}

// algorithms that tokens are or will be signed with: verifiers that read only
// the metadata refuse all others.
func (v *View) algorithms() []string {
	var algs []string
	for _, k := range v.Signing.Keys {
		if !slices.Contains(algs, k.Algorithm) {
			algs = append(algs, k.Algorithm)
		}
	}
	slices.Sort(algs)
	return algs
}

// newJWKS makes the JWK Set (RFC 7517, Section 5) with the keys of all phases.
func newJWKS(v *View) (document, error) {
	body, err := v.Signing.JWKS()
	if err != nil {
		return document{}, err
	}
	return newDocument(body, v.Settings.JWKSMaxAge), nil
}

func (s *Server) metadata(x *exchange) int {
	return s.describe(x.view).write(x)
}

// jwks answers also while the store is away and the replica's lease has ended: without keys
// no resource server could verify the tokens that there are. While no replica reaches the
// store the operator changes no key. One that alone does not reach it goes on to hear of
// new keys from the API server; if it does not reach that either, Kubernetes takes it out
// of its Services long before a key signs that it never heard of.
func (s *Server) jwks(x *exchange) int {
	if x.view.jwks.body == nil {
		return s.fail(x, oauth.TemporarilyUnavailable("this replica cannot tell its keys at the moment"))
	}
	return x.view.jwks.write(x)
}
