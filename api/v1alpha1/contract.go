package v1alpha1

// Labels and annotations that the operator sets or acts on.
const (
	// LabelSecretKind marks a Secret as the operator's own and says which kind it
	// is: one of the SecretKind constants. The operator caches no other Secret.
	LabelSecretKind = "oauth.clientele.dev/secret-kind"

	// AnnotationOwner, on a registration or credentials Secret, is
	// `<namespace>/<name>` of the OAuthClient it belongs to.
	AnnotationOwner = "oauth.clientele.dev/owner"
	// AnnotationOwnerUID, on a registration or credentials Secret, is the uid of
	// that OAuthClient.
	AnnotationOwnerUID = "oauth.clientele.dev/owner-uid"

	// AnnotationRotateSecret, on an OAuthClient, rotates the client secret when
	// its value changes.
	AnnotationRotateSecret = "oauth.clientele.dev/rotate-secret"
	// AnnotationRotateSigningKeys, on an AuthorizationServer, rotates the signing
	// keys when its value changes.
	AnnotationRotateSigningKeys = "oauth.clientele.dev/rotate-signing-keys"
	// AnnotationConfirmDeregistration, on an AuthorizationServer, lets the
	// deregistrations go ahead that the brake on mass deletion holds back. It
	// holds the value that the DeregistrationPaused condition's message names.
	AnnotationConfirmDeregistration = "oauth.clientele.dev/confirm-deregistration"
)

// Values of LabelSecretKind.
const (
	// SecretKindRegistration holds a client's registration: the truth about its
	// id and secrets, beside the AuthorizationServer.
	SecretKindRegistration = "registration"
	// SecretKindCredentials is the projection of a registration in the app's namespace.
	SecretKindCredentials = "credentials"
	// SecretKindSigningKeys holds the private signing keys of a server.
	SecretKindSigningKeys = "signing-keys"
	// SecretKindServerKeys holds a server's keys for hashing and sealing.
	SecretKindServerKeys = "server-keys"
)

// Default keys of the credentials Secret, named as in RFC 7591, Section 3.2.1.
const (
	CredentialsKeyClientID      = "client_id"
	CredentialsKeyClientSecret  = "client_secret"
	CredentialsKeyIssuer        = "issuer"
	CredentialsKeyTokenEndpoint = "token_endpoint"
)

// Keys of the Secrets that the operator and the server share.
const (
	// SigningKeysKey, in a signing-keys Secret, is a keys.Set as JSON.
	SigningKeysKey = "keyset.json"
	// ServerKeysKey, in a server-keys Secret, is a credential.ServerKeys as JSON.
	ServerKeysKey = "serverkeys.json"
)

// Keys of Secrets and ConfigMaps that the platform team makes, where a reference names none.
const (
	// LocalUsersKey holds the local users.
	LocalUsersKey = "users.yaml"
	// CABundleKey holds the certificates of a CA bundle.
	CABundleKey = "ca.crt"
	// UpstreamSecretKey holds the client secret at an upstream provider.
	UpstreamSecretKey = "client_secret"
)

// DefaultServerName is the AuthorizationServer that objects without a serverRef
// belong to.
const DefaultServerName = "default"

// SigningKeysSecretName is the name of the Secret, beside the
// AuthorizationServer, that holds its signing keys.
func SigningKeysSecretName(server string) string { return server + "-signing-keys" }

// ServerKeysSecretName is the name of the Secret, beside the
// AuthorizationServer, that holds its keys for hashing and sealing.
func ServerKeysSecretName(server string) string { return server + "-server-keys" }

// RegistrarAudience is the audience of the ServiceAccount tokens with which the
// operator authenticates at the server; uid is the AuthorizationServer's.
func RegistrarAudience(uid string) string { return "oauth.clientele.dev/registrar/" + uid }
