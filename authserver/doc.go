// Package authserver is the authorization server: an OAuth 2.1 issuer that knows
// nothing of Kubernetes but for the adapter package kube.
//
// This package composes it: what arrives from outside (config.go: settings and
// keys as snapshots of a Source), what is put into force (apply.go), what the
// process may do at the moment (health.go, lease.go), what people lose for good
// (endings.go), and how it starts and stops (server.go). Where each route lives:
//
//	route                                         file                      specification
//	GET, POST /oauth/authorize                    endpoint/authorize.go     RFC 6749, Section 3.1; OpenID Connect Core 1.0, Section 3.1.2
//	  the checks of a request, in their order     authorize/check.go        RFC 6749, Section 4.1; RFC 7636; RFC 8707; RFC 9207
//	  the sealed request (prt)                    authorize/prt.go          ours
//	GET, POST /oauth/continue                     endpoint/continue.go      ours
//	  sign-in, upstream providers                 endpoint/signin.go        OpenID Connect Core 1.0, Section 3.1
//	  pages                                       endpoint/answer.go, web/  ours
//	GET  /oauth/upstream/{p}, /oauth/callback/{p} endpoint/signin.go        OpenID Connect Core 1.0, Section 3.1
//	GET  /oauth/logo/{client_id}                  endpoint/logo.go          ours
//	  fetched, kept                               logo/, outbound/          RFC 7591, Section 2
//	POST /oauth/par                               endpoint/par.go           RFC 9126
//	POST /oauth/token                             endpoint/token.go         RFC 6749, Section 3.2; RFC 8707, Section 2
//	  client_secret_basic                         clientauth/basic.go       RFC 6749, Section 2.3.1
//	  client_secret_post                          clientauth/post.go        RFC 6749, Section 2.3.1
//	  none                                        clientauth/post.go        RFC 6749, Section 3.2.1
//	  known to another replica only               endpoint/caughtup.go      ours
//	  client_credentials                          grant/clientcredentials.go RFC 6749, Section 4.4
//	  authorization_code                          grant/authorization_code.go RFC 6749, Section 4.1.3; RFC 7636, Section 4.6
//	  refresh_token                               grant/refresh_token.go    RFC 6749, Section 6; RFC 9700, Section 4.14
//	  resource, scope, roles, lifetime            rights/                   RFC 6749, Section 3.3; RFC 8707, Section 2
//	  the access token                            token/                    RFC 9068
//	  the ID token                                token/idtoken.go          OpenID Connect Core 1.0, Section 2
//	GET  /.well-known/oauth-authorization-server  endpoint/metadata.go      RFC 8414
//	GET  /.well-known/openid-configuration        endpoint/metadata.go      OpenID Connect Discovery 1.0, Section 4
//	GET  /.well-known/jwks.json                   endpoint/metadata.go      RFC 7517, Section 5
//	POST /oauth/revoke                            endpoint/revoke.go        RFC 7009, Section 2
//	POST /oauth/introspect                        endpoint/introspect.go    RFC 7662, Section 2
//	GET, POST /userinfo                           endpoint/userinfo.go      OpenID Connect Core 1.0, Section 5.3
//	  is an access token still good?              tokenstatus/
//	GET, POST /oauth/logout                       endpoint/logout.go        OpenID Connect RP-Initiated Logout 1.0
//	GET  /account, /account/upstream/{provider}   endpoint/account.go       ours
//	POST /account/{action}                        endpoint/account.go       ours
//	pages of other origins (CORS)                 endpoint/cors.go          Fetch Standard, Section 3.2
//	POST /oauth/register                          endpoint/registration.go  RFC 7591, Section 3
//	  by apps themselves, with limits             endpoint/register_open.go RFC 7591, Section 3
//	GET, PUT, DELETE /oauth/register/{client_id}  endpoint/registration.go  RFC 7592, Section 2
//	  by apps themselves, with limits             endpoint/register_change.go RFC 7592, Section 2
//	GET  /registrar/v1/self-registered            endpoint/self_registered.go ours
//	DELETE /registrar/v1/self-registered/{id}     endpoint/self_registered.go ours
//	GET  /registrar/v1/people                     endpoint/people.go        ours
//	GET, DELETE /registrar/v1/people/{sub}        endpoint/people.go        ours
//	PUT, DELETE /registrar/v1/resources/{uid}     endpoint/policies.go      ours
//	GET  /registrar/v1/inventory, changes         endpoint/inventory.go     ours
//	PUT  /registrar/v1/complete                   endpoint/complete.go      ours
//	  503 instead of 401 until then               endpoint/caughtup.go      ours
//	GET  /registrar/v1/replicas                   endpoint/inventory.go     ours
//	GET  /healthz, /readyz                        endpoint/health.go        ours
//	whose request is it?                          peer/                     X-Forwarded-For
//	errors                                        endpoint/respond.go       RFC 6749, Section 5.2; RFC 6750, Section 3
//
// With a listener of their own (Options.RegistrarAddress) registrars have there what they
// use: /registrar/v1, /oauth/register, the metadata and health. The public listener then
// has no /registrar/v1, and takes no caller for a registrar (endpoint/port.go).
//
// What is for people (authorize, continue, upstream, callback, par, userinfo, logout,
// account) is there only while the settings name users; else it is 404, and neither
// it nor its grants are advertised.
//
// A new endpoint is a row in endpoint/routes.go and a file; a new grant is a file
// in grant and a line in server.go; a new way to authenticate is a file in
// clientauth. DIVERGENCES.md says where this server differs from an RFC.
package authserver
