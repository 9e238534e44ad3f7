package endpoint

import "net/http"

// Body limits in bytes.
const (
	noBody           = 0
	pageBody         = 32 << 10
	tokenBody        = 64 << 10
	registrationBody = 256 << 10
)

// Paths of the endpoints below the issuer.
const (
	pathAuthorize    = "/oauth/authorize"
	pathContinue     = "/oauth/continue"
	pathPAR          = "/oauth/par"
	upstreamPrefix   = "/oauth/upstream/"
	callbackPrefix   = "/oauth/callback/" // signin.CallbackPath
	logoPrefix       = "/oauth/logo/"
	assetPrefix      = "/assets/" // web.Pages.AssetPrefix
	pathRevoke       = "/oauth/revoke"
	pathIntrospect   = "/oauth/introspect"
	pathLogout       = "/oauth/logout"
	pathAccount      = "/account"
	accountPrefix    = pathAccount + "/"
	accountUpstream  = accountPrefix + "upstream/"
	pathUserinfo     = "/userinfo"
	pathToken        = "/oauth/token"
	pathRegister     = "/oauth/register"
	pathJWKS         = "/.well-known/jwks.json"
	pathMetadata     = "/.well-known/oauth-authorization-server"
	pathOpenID       = "/.well-known/openid-configuration"
	pathPolicies     = "/registrar/v1/resources/"
	pathInventory    = "/registrar/v1/inventory"
	pathChanges      = "/registrar/v1/changes"
	pathReplicas     = "/registrar/v1/replicas"
	pathComplete     = "/registrar/v1/complete"
	pathPeople       = "/registrar/v1/people"
	peoplePrefix     = pathPeople + "/"
	pathHealth       = "/healthz"
	pathReady        = "/readyz"
	routeOfNothing   = "none"
	managementPrefix = pathRegister + "/"

	pathSelfRegistered   = "/registrar/v1/self-registered"
	selfRegisteredPrefix = pathSelfRegistered + "/"
)

// handler answers an exchange and returns the status it wrote.
type handler func(x *exchange) int

// route is one row of the table. A path that ends with "/" takes one more
// segment, which the handler finds in exchange.rest.
type route struct {
	name     string // in metrics
	path     string
	maxBody  int64
	methods  map[string]handler
	requests *outcomes
	// cacheable answers set their own Cache-Control; all others are no-store.
	cacheable bool
	// effects: its GET changes something, and so it knows no HEAD.
	effects bool
	// cors: which pages of other origins may call it.
	cors cors
	// deep: what follows the path may have slashes, as a `sub` has.
	deep bool
	// people: it is there only where people sign in (Settings.Users).
	people bool
	// page: it answers people, and its errors are pages.
	page bool
	// served says which listener has it, where registrars have one of their own.
	served served
	// needsNothing answers even while the server has no settings.
	needsNothing bool
}

// table is every route there is.
func (s *Server) table() []route {
	get, post, put, del := http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete
	return append(s.peopleTable(), []route{
		{name: "token", path: pathToken, maxBody: tokenBody, cors: corsAny, methods: map[string]handler{post: s.token}},
		{name: "revoke", path: pathRevoke, maxBody: tokenBody, cors: corsAny, methods: map[string]handler{post: s.revoke}},
		{name: "introspect", path: pathIntrospect, maxBody: tokenBody, cors: corsAny, methods: map[string]handler{post: s.introspect}},
		{name: "register", path: pathRegister, maxBody: registrationBody, cors: corsOpen, served: atBoth, methods: map[string]handler{post: s.register}},
		{name: "client", path: managementPrefix, maxBody: registrationBody, cors: corsOpen, served: atBoth, methods: map[string]handler{get: s.readClient, put: s.updateClient, del: s.deleteClient}},
		{name: "policy", path: pathPolicies, maxBody: registrationBody, served: atRegistrar, methods: map[string]handler{put: s.byRegistrar(s.putPolicy), del: s.byRegistrar(s.deletePolicy)}},
		{name: "selfregistered", path: pathSelfRegistered, served: atRegistrar, methods: map[string]handler{get: s.byRegistrar(s.selfRegistered)}},
		{name: "selfregistered", path: selfRegisteredPrefix, served: atRegistrar, methods: map[string]handler{del: s.byRegistrar(s.revokeSelfRegistered)}},
		{name: "people", path: pathPeople, served: atRegistrar, methods: map[string]handler{get: s.byRegistrar(s.findPeople)}},
		{name: "people", path: peoplePrefix, deep: true, served: atRegistrar, methods: map[string]handler{get: s.byRegistrar(s.showPerson), del: s.byRegistrar(s.signOutPerson)}},
		{name: "inventory", path: pathInventory, served: atRegistrar, methods: map[string]handler{get: s.byRegistrar(s.inventory)}},
		{name: "changes", path: pathChanges, served: atRegistrar, methods: map[string]handler{get: s.byRegistrar(s.changes)}},
		{name: "complete", path: pathComplete, maxBody: tokenBody, served: atRegistrar, methods: map[string]handler{put: s.byRegistrar(s.complete)}},
		{name: "replicas", path: pathReplicas, served: atRegistrar, methods: map[string]handler{get: s.byRegistrar(s.replicas)}},
		{name: "metadata", path: pathMetadata, cacheable: true, cors: corsAny, served: atBoth, methods: map[string]handler{get: s.metadata}},
		{name: "openid", path: pathOpenID, cacheable: true, cors: corsAny, methods: map[string]handler{get: s.metadata}},
		{name: "jwks", path: pathJWKS, cacheable: true, cors: corsAny, methods: map[string]handler{get: s.jwks}},
		{name: "healthz", path: pathHealth, needsNothing: true, served: atBoth, methods: map[string]handler{get: s.healthz}},
		{name: "readyz", path: pathReady, needsNothing: true, served: atBoth, methods: map[string]handler{get: s.readyz}},
	}...)
}

// peopleTable is the routes of a server that people sign in at.
func (s *Server) peopleTable() []route {
	get, post := http.MethodGet, http.MethodPost
	table := []route{
		{name: "authorize", path: pathAuthorize, page: true, maxBody: pageBody, effects: true, methods: map[string]handler{get: s.authorize, post: s.postAuthorize}},
		{name: "continue", path: pathContinue, page: true, maxBody: pageBody, effects: true, methods: map[string]handler{get: s.continueAuthorization, post: s.postContinue}},
		{name: "par", path: pathPAR, maxBody: tokenBody, cors: corsAny, methods: map[string]handler{post: s.par}},
		{name: "userinfo", path: pathUserinfo, maxBody: tokenBody, cors: corsAny, methods: map[string]handler{get: s.userinfo, post: s.userinfo}},
		{name: "logout", path: pathLogout, page: true, maxBody: pageBody, effects: true, methods: map[string]handler{get: s.logout, post: s.postLogout}},
		{name: "account", path: pathAccount, page: true, methods: map[string]handler{get: s.account}},
		{name: "account", path: accountPrefix, page: true, maxBody: pageBody, methods: map[string]handler{post: s.postAccount}},
		{name: "account", path: accountUpstream, page: true, effects: true, methods: map[string]handler{get: s.accountUpstreamBegin}},
		{name: "upstream", path: upstreamPrefix, page: true, effects: true, methods: map[string]handler{get: s.beginUpstream}},
		{name: "callback", path: callbackPrefix, page: true, effects: true, methods: map[string]handler{get: s.finishUpstream}},
		{name: "logo", path: logoPrefix, cacheable: true, methods: map[string]handler{get: s.logo}},
		{name: "assets", path: assetPrefix, cacheable: true, methods: map[string]handler{get: s.assets}},
	}
	for i := range table {
		table[i].people = true
	}
	return table
}
