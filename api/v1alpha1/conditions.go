package v1alpha1

// Types and reasons of conditions. They are API: programs may compare them, so
// none is renamed. Messages are for people and may change.

// The condition types of every kind, read by kstatus. Both are there only while
// they are true.
const (
	// ConditionReady sums up whether the object does what it is for.
	ConditionReady = "Ready"
	// ConditionReconciling is true while the operator works towards the spec, or
	// tries again after a failure that may pass.
	ConditionReconciling = "Reconciling"
	// ConditionStalled is true when nothing more will happen until this object or
	// another one is changed; the reason is that of Ready. A refusal that the change of
	// another object can lift is Reconciling (ReasonWaiting) for the first ten seconds:
	// that object may be part of the same release.
	ConditionStalled = "Stalled"
)

// Reasons of Reconciling.
const (
	// ReasonProgressing surfaces when the work goes on by itself at once.
	ReasonProgressing = "Progressing"
	// ReasonRetrying surfaces when a try failed and another follows after a while.
	ReasonRetrying = "Retrying"
	// ReasonWaiting surfaces during the first ten seconds of a refusal that the change
	// of another object can lift, a NamespaceAccess for instance. Stalled follows.
	ReasonWaiting = "Waiting"
)

// Reasons of Ready of an OAuthClient. Ready is true when the server holds the client
// as the spec says, and the credentials Secret what the server accepts.
const (
	// ReasonAccepted surfaces when Ready is true and the client can get tokens.
	ReasonAccepted = "Accepted"
	// ReasonRegistering surfaces while the client is on its way to the server
	// and nothing has failed.
	ReasonRegistering = "Registering"
	// ReasonDisabled surfaces when Ready is true, spec.disabled is true and the server
	// refuses the client everywhere: the spec is reached.
	ReasonDisabled = "Disabled"
	// ReasonInvalidSpec surfaces when the server's rules, which a schema cannot
	// state, forbid the spec.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonServerNotFound surfaces when there is no AuthorizationServer of the
	// name, or its namespace may not hold any.
	ReasonServerNotFound = "ServerNotFound"
	// ReasonServerNotReady surfaces when the AuthorizationServer is there but
	// does not answer as one: no metadata, another issuer, not ready yet.
	ReasonServerNotReady = "ServerNotReady"
	// ReasonServerUnreachable surfaces when the server cannot be reached: no
	// connection, a timeout, a TLS failure.
	ReasonServerUnreachable = "ServerUnreachable"
	// ReasonServerThrottled surfaces when the server answers 429.
	ReasonServerThrottled = "ServerThrottled"
	// ReasonServerError surfaces when the server answers 5xx, or with what is
	// not an answer of this protocol.
	ReasonServerError = "ServerError"
	// ReasonRegistrationNotFound surfaces when the server answers 404 to a
	// registration: something else answers at that URL.
	ReasonRegistrationNotFound = "RegistrationNotFound"
	// ReasonRegistrarUnauthorized surfaces when the server does not accept the
	// operator's token (401).
	ReasonRegistrarUnauthorized = "RegistrarUnauthorized"
	// ReasonRegistrarForbidden surfaces when the operator lacks the RBAC verb
	// manage on the AuthorizationServer (403).
	ReasonRegistrarForbidden = "RegistrarForbidden"
	// ReasonRegistrarTokenRefused surfaces when the API server gives the operator
	// no token for the registrar's audience.
	ReasonRegistrarTokenRefused = "RegistrarTokenRefused"
	// ReasonNamespaceNotAllowed surfaces when no NamespaceAccess lets the object's
	// namespace have OAuthClients.
	ReasonNamespaceNotAllowed = "NamespaceNotAllowed"
	// ReasonClientIDNotAllowed surfaces when spec.clientID starts neither with
	// the own namespace and a dot nor with a prefix that a NamespaceAccess permits.
	ReasonClientIDNotAllowed = "ClientIDNotAllowed"
	// ReasonRedirectHostNotAllowed surfaces when a redirect URI leads to a host that
	// no NamespaceAccess permits the namespace.
	ReasonRedirectHostNotAllowed = "RedirectHostNotAllowed"
	// ReasonOrphanNotAllowed surfaces when spec.deletionPolicy is Orphan and no
	// NamespaceAccess permits that. A client that is registered goes on working.
	ReasonOrphanNotAllowed = "OrphanNotAllowed"
	// ReasonQuotaExceeded surfaces when the namespace has as many clients, or
	// redirect URIs, as its NamespaceAccesses permit. What is registered stays so.
	ReasonQuotaExceeded = "QuotaExceeded"
	// ReasonClientIDTaken surfaces when the client id belongs to another
	// OAuthClient.
	ReasonClientIDTaken = "ClientIDTaken"
	// ReasonRejected surfaces when the server refuses the metadata (400).
	ReasonRejected = "Rejected"
	// ReasonStale surfaces when the server has seen a newer counter or
	// generation of the client than this operator knows of.
	ReasonStale = "Stale"
	// ReasonSecretConflict surfaces when the credentials Secret's name is taken
	// by a Secret that is not this OAuthClient's.
	ReasonSecretConflict = "SecretConflict"
	// ReasonSecretsForbidden surfaces when the API server does not let the
	// operator read or write a Secret.
	ReasonSecretsForbidden = "SecretsForbidden"
	// ReasonAPIServerError surfaces when the API server fails a request for
	// another reason.
	ReasonAPIServerError = "APIServerError"
	// ReasonRegistrationSecretInvalid surfaces when the registration Secret
	// beside the AuthorizationServer is damaged, or not this OAuthClient's.
	ReasonRegistrationSecretInvalid = "RegistrationSecretInvalid"
	// ReasonStoreLost surfaces when the server lost or changed the registration
	// behind the operator's back and it is not repaired yet.
	ReasonStoreLost = "StoreLost"
)

// ConditionScopesGranted tells whether an OAuthClient has the scopes it asks for.
const ConditionScopesGranted = "ScopesGranted"

// Reasons of ScopesGranted.
const (
	// ReasonAllGranted surfaces when every scope asked for is granted.
	ReasonAllGranted = "AllGranted"
	// ReasonSomeDenied surfaces when some are granted and some are not.
	ReasonSomeDenied = "SomeDenied"
	// ReasonNoneGranted surfaces when scopes are asked for and none is granted.
	ReasonNoneGranted = "NoneGranted"
	// ReasonNoScopes surfaces when no scope is asked for; the condition is true.
	ReasonNoScopes = "NoScopes"
	// ReasonScopesUnknown surfaces when the policies cannot be told because the
	// AuthorizationServer cannot; the condition is Unknown.
	ReasonScopesUnknown = "ScopesUnknown"
)

// Reasons of one scope's result in status.scopes of an OAuthClient.
const (
	// ScopeReasonAllowed surfaces when a policy allows the scope.
	ScopeReasonAllowed = "Allowed"
	// ScopeReasonNotDeclared surfaces when no ScopePolicy in force declares the
	// scope for any of the client's resources.
	ScopeReasonNotDeclared = "NotDeclared"
	// ScopeReasonNotAllowed surfaces when the scope is declared and no rule
	// allows it to this client.
	ScopeReasonNotAllowed = "NotAllowed"
	// ScopeReasonGrantTypeNotAllowed surfaces when rules allow the scope to this
	// client, but with none of its grant types.
	ScopeReasonGrantTypeNotAllowed = "GrantTypeNotAllowed"
	// ScopeReasonBuiltIn surfaces when the scope is one of OpenID Connect, which the
	// server itself grants to users: at the issuer, and at other resources beside a
	// granted scope of theirs.
	ScopeReasonBuiltIn = "BuiltIn"
	// ScopeReasonNotForUsers surfaces when the scope is granted to clients for
	// themselves only, and this client acts for users only.
	ScopeReasonNotForUsers = "NotForUsers"
	// ScopeReasonNotForClients surfaces when the scope is granted to users only,
	// and this client acts for itself only.
	ScopeReasonNotForClients = "NotForClients"
)

// ConditionPKCEOptional, on an OAuthClient whose spec.pkce is Optional, tells
// whether that exception is in force. Otherwise it is not there.
const ConditionPKCEOptional = "PKCEOptional"

// Reasons of PKCEOptional.
const (
	// ReasonExceptionInForce surfaces when the client may do without PKCE.
	ReasonExceptionInForce = "ExceptionInForce"
	// ReasonExceptionNotAllowed surfaces when no NamespaceAccess permits it: PKCE is
	// required.
	ReasonExceptionNotAllowed = "ExceptionNotAllowed"
	// ReasonExceptionUnknown surfaces when it cannot be told; the condition is
	// Unknown.
	ReasonExceptionUnknown = "ExceptionUnknown"
)

// Reasons of Ready of a ScopePolicy. Ready is true when the server decides by
// the policy as it stands in the spec. ServerNotFound, ServerNotReady,
// ServerUnreachable, ServerThrottled, ServerError, RegistrationNotFound,
// RegistrarUnauthorized, RegistrarForbidden, RegistrarTokenRefused, Rejected,
// Stale, StoreLost and Registering are as for an OAuthClient.
const (
	// ReasonInForce surfaces when Ready is true.
	ReasonInForce = "InForce"
	// ReasonResourceNotAllowed surfaces when no NamespaceAccess lets this namespace
	// declare the resource.
	ReasonResourceNotAllowed = "ResourceNotAllowed"
	// ReasonResourceReserved surfaces when the resource, or one that an OAuthClient
	// lists, is the server's own issuer or an audience of the API server.
	ReasonResourceReserved = "ResourceReserved"
	// ReasonResourceTaken surfaces when an older ScopePolicy of another namespace
	// declares the same resource.
	ReasonResourceTaken = "ResourceTaken"
)

// ConditionConflicted, on a ScopePolicy, is true when an older claim stands in
// the way of a part of it.
const ConditionConflicted = "Conflicted"

// Reasons of Conflicted.
const (
	// ReasonNoConflict surfaces when the condition is false.
	ReasonNoConflict = "NoConflict"
	// ReasonScopeDeclaredEarlier surfaces when an older ScopePolicy of the same
	// resource declares one of the scopes; its declaration stands.
	ReasonScopeDeclaredEarlier = "ScopeDeclaredEarlier"
	// ReasonResourceDeclaredElsewhere surfaces when another namespace declares
	// the same resource and its claim is the better one.
	ReasonResourceDeclaredElsewhere = "ResourceDeclaredElsewhere"
)

// Reasons of Ready of an AuthorizationServer. Ready is true when the server can
// be reached, its metadata is what the spec says, and it has signing keys.
// Where it is false the reason is that of the condition that stands in the way.
const (
	// ReasonServing surfaces when Ready is true.
	ReasonServing = "Serving"
	// ReasonNamespaceNotWatched surfaces when the operator's flag
	// --authorization-server-namespaces does not name the object's namespace.
	ReasonNamespaceNotWatched = "NamespaceNotWatched"
)

// Reasons of Ready of a NamespaceAccess. Ready is true when the operator decides by
// the object. ServerNotFound, NamespaceNotWatched and InForce are as for the other
// kinds.
const (
	// ReasonSelectorInvalid surfaces when namespaces.selector breaks a rule of label
	// selectors that the schema cannot state: the object matches no namespace.
	ReasonSelectorInvalid = "SelectorInvalid"
)

// ConditionServerReachable, on an AuthorizationServer, tells whether the
// operator can speak to the server as its registrar.
const ConditionServerReachable = "ServerReachable"

// Reasons of ServerReachable. ServerUnreachable, ServerThrottled, ServerError,
// RegistrarUnauthorized, RegistrarForbidden and RegistrarTokenRefused are as for
// an OAuthClient.
const (
	// ReasonReachable surfaces when the condition is true.
	ReasonReachable = "Reachable"
	// ReasonMetadataInvalid surfaces when the server's metadata (RFC 8414) is not
	// there or lacks what the operator needs.
	ReasonMetadataInvalid = "MetadataInvalid"
	// ReasonIssuerMismatch surfaces when the metadata names another issuer than
	// the spec (RFC 8414, Section 3.3).
	ReasonIssuerMismatch = "IssuerMismatch"
	// ReasonInsecureURL surfaces when the server would have to be reached without
	// TLS at an address that is not loopback.
	ReasonInsecureURL = "InsecureURL"
	// ReasonCABundleInvalid surfaces when the object that caBundleRef names does not
	// exist, may not be read, lacks the key, or holds no certificate.
	ReasonCABundleInvalid = "CABundleInvalid"
	// ReasonInventoryPending surfaces until the operator has read the server's
	// inventory for the first time.
	ReasonInventoryPending = "InventoryPending"
	// ReasonServerTooOld surfaces when the server speaks only older versions of the
	// registrar protocol than the operator.
	ReasonServerTooOld = "ServerTooOld"
	// ReasonServerTooNew surfaces when the server speaks only newer versions of the
	// registrar protocol than the operator.
	ReasonServerTooNew = "ServerTooNew"
)

// ConditionCertificateReady, on an AuthorizationServer of type Managed, tells whether
// the server has valid certificates for its public endpoints and its registrar API.
const ConditionCertificateReady = "CertificateReady"

// Reasons of CertificateReady.
const (
	// ReasonIssued surfaces when the condition is true.
	ReasonIssued = "Issued"
	// ReasonIssuing surfaces while a certificate is being made.
	ReasonIssuing = "Issuing"
	// ReasonCertManagerMissing surfaces when tls.type is CertManager and the cluster
	// has no kind Certificate of cert-manager, or the operator may not use it.
	ReasonCertManagerMissing = "CertManagerMissing"
	// ReasonSecretMissing surfaces when a Secret that the spec names does not exist,
	// or lacks the key. StorageReady has it too.
	ReasonSecretMissing = "SecretMissing"
	// ReasonSecretInvalid surfaces when such a Secret holds no certificate with its
	// key.
	ReasonSecretInvalid = "SecretInvalid"
	// ReasonNameMismatch surfaces when the certificate is not for the host of the
	// issuer.
	ReasonNameMismatch = "NameMismatch"
	// ReasonExpired surfaces when a certificate is no longer valid.
	ReasonExpired = "Expired"
)

// ConditionStorageReady, on an AuthorizationServer of type Managed, tells whether the
// server can read and write its store. It is Unknown while no server says so.
const ConditionStorageReady = "StorageReady"

// Reasons of StorageReady. SecretMissing is as for CertificateReady.
const (
	// ReasonAvailable surfaces when the condition is true and there is nothing to add.
	// Deployed has it too.
	ReasonAvailable = "Available"
	// ReasonEphemeral surfaces when the store is available, and lost with the Pod; the
	// condition is true.
	ReasonEphemeral = "Ephemeral"
	// ReasonAlmostFull surfaces when the volume has little space left; the condition
	// is true.
	ReasonAlmostFull = "AlmostFull"
	// ReasonRestartNeeded surfaces when the connection string names another database
	// than the one in use, which servers that run do not change to; the condition is
	// true.
	ReasonRestartNeeded = "RestartNeeded"
	// ReasonUnreachable surfaces when the database cannot be reached.
	ReasonUnreachable = "Unreachable"
	// ReasonRefused surfaces when the database refuses the server: its password, its
	// role, its TLS, or the connection string.
	ReasonRefused = "Refused"
	// ReasonFull surfaces when the volume is full: nothing can be written.
	ReasonFull = "Full"
	// ReasonSchemaTooNew surfaces when a newer release wrote the store than this
	// server can read.
	ReasonSchemaTooNew = "SchemaTooNew"
	// ReasonStorageUnknown surfaces when no server has told yet; the condition is
	// Unknown.
	ReasonStorageUnknown = "StorageUnknown"
)

// ConditionDeployed, on an AuthorizationServer of type Managed, tells whether the
// server's Pods run as the spec says. During a roll-out it is True as long as Pods
// serve, and Reconciling is True with reason Progressing.
const ConditionDeployed = "Deployed"

// Reasons of Deployed. Available is as for StorageReady. Progressing surfaces while no
// Pod serves yet and nothing is known to be wrong.
const (
	// ReasonImageUnavailable surfaces when the image cannot be pulled.
	ReasonImageUnavailable = "ImageUnavailable"
	// ReasonCrashLooping surfaces when the server ends again and again; the message
	// quotes its last words.
	ReasonCrashLooping = "CrashLooping"
	// ReasonUnschedulable surfaces when no node takes a Pod, or its volume is not
	// provisioned.
	ReasonUnschedulable = "Unschedulable"
	// ReasonAdmissionRefused surfaces when a quota, Pod Security or an admission
	// webhook refuses an object.
	ReasonAdmissionRefused = "AdmissionRefused"
	// ReasonNameConflict surfaces when an object of the server's name exists that is
	// not the operator's.
	ReasonNameConflict = "NameConflict"
	// ReasonInvalidPod surfaces when the API server finds spec.managed.pod, or another
	// part of the spec that goes into objects, invalid.
	ReasonInvalidPod = "InvalidPod"
)

// ConditionSigningKeysReady, on an AuthorizationServer, tells whether there is a
// key that signs, and its rotation goes on.
const ConditionSigningKeysReady = "SigningKeysReady"

// Reasons of SigningKeysReady.
const (
	// ReasonKeysActive surfaces when the condition is true.
	ReasonKeysActive = "KeysActive"
	// ReasonKeysPending surfaces when there is no key that signs yet.
	ReasonKeysPending = "KeysPending"
	// ReasonKeysInvalid surfaces when the Secret with the keys is damaged; it is
	// not overwritten.
	ReasonKeysInvalid = "KeysInvalid"
	// ReasonReplicasUnknown surfaces when a rotation is due and waits because it
	// cannot be told which replicas serve the new key.
	ReasonReplicasUnknown = "ReplicasUnknown"
	// ReasonRotating surfaces while a rotation goes on as planned; the condition
	// is true.
	ReasonRotating = "Rotating"
)

// ConditionStoreComplete, on an AuthorizationServer, is False from the start of a server
// with an empty store until all OAuthClients and ScopePolicies are registered there. Until
// then the server answers 503 to client ids that it does not know. The reason is
// ReasonRegistering; the message names some of the missing objects. Afterwards the
// condition is removed.
const ConditionStoreComplete = "StoreComplete"

// ConditionUsersReady, on an AuthorizationServer with spec.users, tells whether
// everybody can sign in whom that names, as the server says: it alone reads the
// Secrets. Otherwise it is not there. Ready does not depend on it: tokens for
// machines go on, and so does what people have who signed in earlier. But for them a
// server that has not read their Secret since it started is out of order: it refuses
// nobody whom it may still get to know, and tells them to come again.
const ConditionUsersReady = "UsersReady"

// Reasons of UsersReady. Where it is false the message says which Secret and key
// it is about, and what to do.
const (
	// ReasonUsersInForce surfaces when the condition is true.
	ReasonUsersInForce = "InForce"
	// ReasonUsersSecretMissing surfaces when a Secret that spec.users names does
	// not exist.
	ReasonUsersSecretMissing = "SecretMissing"
	// ReasonUsersSecretForbidden surfaces when the server may not read such a
	// Secret: its Role has to name it. A right that is taken away is noticed when the
	// API server ends the watch, after ten minutes at most; what was read before
	// stays in force until the server is started again.
	ReasonUsersSecretForbidden = "SecretForbidden"
	// ReasonUsersSecretInvalid surfaces when such a Secret lacks the key, or what
	// it holds is of no use. What was read before, if anything was, stays in force.
	ReasonUsersSecretInvalid = "SecretInvalid"
	// ReasonUsersProviderInvalid surfaces when what spec.users says of an upstream
	// provider is of no use.
	ReasonUsersProviderInvalid = "ProviderInvalid"
	// ReasonUsersUnknown surfaces when the server cannot be asked, or has not told
	// yet; the condition is Unknown.
	ReasonUsersUnknown = "UsersUnknown"
)

// ConditionDeregistrationPaused, on an AuthorizationServer, is true while the
// brake on mass deletion holds deregistrations back; the message says how to
// confirm them.
const ConditionDeregistrationPaused = "DeregistrationPaused"

// Reasons of DeregistrationPaused.
const (
	// ReasonNotPaused surfaces when the condition is false.
	ReasonNotPaused = "NotPaused"
	// ReasonTooManyDeletions surfaces when more OAuthClients than the brake lets
	// pass in a minute are gone at once.
	ReasonTooManyDeletions = "TooManyDeletions"
)
