package v1alpha1

// Labels and annotations that the operator sets or acts on.
const (
	// LabelSecretKind marks a Secret as the operator's own and says which kind it
	// is: one of the SecretKind constants. The operator caches no other Secret.
	LabelSecretKind = "oauth.clientele.dev/secret-kind"

	// LabelName is app.kubernetes.io/name; all objects of a Managed server have it
	// with the value ServerApp.
	LabelName = "app.kubernetes.io/name"
	// LabelManagedBy is app.kubernetes.io/managed-by; all objects of a Managed server
	// have it with the value FieldManager.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	// LabelServer holds the name of the AuthorizationServer, in its own namespace,
	// that an object belongs to. LabelName and LabelServer select a server's Pods.
	LabelServer = "oauth.clientele.dev/server"

	// AnnotationOwner, on a registration or credentials Secret, is
	// `<namespace>/<name>` of the OAuthClient it belongs to.
	AnnotationOwner = "oauth.clientele.dev/owner"
	// AnnotationOwnerUID, on a registration or credentials Secret, is the uid of
	// that OAuthClient.
	AnnotationOwnerUID = "oauth.clientele.dev/owner-uid"

	// AnnotationCheckAgain, on an object of this API, has the operator check the object
	// at once when its value changes. Anything but an object that waits for a change
	// outside of Kubernetes is checked without it.
	AnnotationCheckAgain = "oauth.clientele.dev/check-again"
	// AnnotationRotateSecret, on an OAuthClient, rotates the client secret when
	// its value changes.
	AnnotationRotateSecret = "oauth.clientele.dev/rotate-secret"
	// AnnotationRotateSigningKeys, on an AuthorizationServer, rotates the signing
	// keys when its value changes.
	AnnotationRotateSigningKeys = "oauth.clientele.dev/rotate-signing-keys"
	// AnnotationRotateCA, on an AuthorizationServer of type Managed, makes the next CA
	// when its value changes.
	AnnotationRotateCA = "oauth.clientele.dev/rotate-ca"
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
	// SecretKindCA holds the CA of a Managed server, with its private key.
	SecretKindCA = "ca"
	// SecretKindServingCertificate holds a certificate of a Managed server, with its
	// private key.
	SecretKindServingCertificate = "serving-certificate"
)

// ServerApp is the value of LabelName on the objects of Managed servers.
const ServerApp = "clientele-server"

// Field managers of server-side apply.
const (
	// FieldManager applies the objects of Managed servers.
	FieldManager = "clientele"
	// FieldManagerScale writes the number of replicas once where the spec names none.
	// It is not FieldManager, so that another manager may own the number.
	FieldManagerScale = "clientele-scale"
)

// Ports of a Managed server's Pods and of its Services.
const (
	PortHTTPS         = 8443
	PortRegistrar     = 8444
	PortMetrics       = 9090
	PortNameHTTPS     = "https"
	PortNameRegistrar = "registrar"
	PortNameMetrics   = "metrics"
	// PortService is the port of the Service of the public endpoints.
	PortService = 443
)

// Default keys of the credentials Secret, named as in RFC 7591, Section 3.2.1.
const (
	CredentialsKeyClientID      = "client_id"
	CredentialsKeyClientSecret  = "client_secret"
	CredentialsKeyIssuer        = "issuer"
	CredentialsKeyTokenEndpoint = "token_endpoint"
	// CredentialsKeyCACertificate holds the certificates that an app needs to verify
	// the server, in PEM; it is absent where the system's roots do. It cannot be
	// renamed.
	CredentialsKeyCACertificate = "ca.crt"
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
	// PostgresDSNKey holds the connection string of a PostgreSQL database.
	PostgresDSNKey = "uri"
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

// ServerObjectName is the name of the Deployment or StatefulSet of a Managed server,
// and of its Service, ServiceAccount, Role, RoleBinding, PodDisruptionBudget and
// NetworkPolicy.
func ServerObjectName(server string) string { return "clientele-" + server }

// RegistrarServiceName is the name of the Service of a Managed server's registrar API.
func RegistrarServiceName(server string) string { return ServerObjectName(server) + "-registrar" }

// ServerCAName is the name of the Secret with a Managed server's CA, and of the
// ConfigMap with the certificates that its clients trust.
func ServerCAName(server string) string { return ServerObjectName(server) + "-ca" }

// ServingCertificateName is the name of the Secret with the certificate of a Managed
// server's registrar API, and with tls.type Generated of its public endpoints.
func ServingCertificateName(server string) string { return ServerObjectName(server) + "-tls" }

// PublicCertificateName is the name of cert-manager's Certificate for a Managed
// server's public endpoints, and of the Secret that it fills.
func PublicCertificateName(server string) string { return ServerObjectName(server) + "-public" }

// DataClaimName is the name of the PersistentVolumeClaim of a Managed server.
func DataClaimName(server string) string { return ServerObjectName(server) + "-data" }

// RegistrarAudience is the audience of the ServiceAccount tokens with which the
// operator authenticates at the server; uid is the AuthorizationServer's.
func RegistrarAudience(uid string) string { return "oauth.clientele.dev/registrar/" + uid }
