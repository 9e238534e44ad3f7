package oauth

// ServerMetadata is the document at /.well-known/oauth-authorization-server (RFC
// 8414, Section 2) and at /.well-known/openid-configuration (OpenID Connect
// Discovery 1.0, Section 3). Members without a value are left out, never null or
// empty (RFC 8414, Section 3.2); what stands in it, the server does.
type ServerMetadata struct {
	// Issuer is compared character for character by clients.
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint,omitempty"`
	TokenEndpoint         string `json:"token_endpoint,omitempty"`
	JWKSURI               string `json:"jwks_uri,omitempty"`
	RegistrationEndpoint  string `json:"registration_endpoint,omitempty"`

	ScopesSupported        []string       `json:"scopes_supported,omitempty"`
	ResponseTypesSupported []ResponseType `json:"response_types_supported,omitempty"`
	ResponseModesSupported []ResponseMode `json:"response_modes_supported,omitempty"`
	GrantTypesSupported    []GrantType    `json:"grant_types_supported,omitempty"`

	TokenEndpointAuthMethodsSupported          []AuthMethod `json:"token_endpoint_auth_methods_supported,omitempty"`
	TokenEndpointAuthSigningAlgValuesSupported []string     `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`

	ServiceDocumentation string   `json:"service_documentation,omitempty"`
	UILocalesSupported   []string `json:"ui_locales_supported,omitempty"`
	OPPolicyURI          string   `json:"op_policy_uri,omitempty"`
	OPTOSURI             string   `json:"op_tos_uri,omitempty"`

	RevocationEndpoint                        string       `json:"revocation_endpoint,omitempty"`
	RevocationEndpointAuthMethodsSupported    []AuthMethod `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	IntrospectionEndpoint                     string       `json:"introspection_endpoint,omitempty"`
	IntrospectionEndpointAuthMethodsSupported []AuthMethod `json:"introspection_endpoint_auth_methods_supported,omitempty"`

	// CodeChallengeMethodsSupported is of RFC 7636, Section 4.2.
	CodeChallengeMethodsSupported []string `json:"code_challenge_methods_supported,omitempty"`
	// AuthorizationResponseIssParameterSupported is of RFC 9207, Section 3.
	AuthorizationResponseIssParameterSupported bool `json:"authorization_response_iss_parameter_supported,omitempty"`
	// PushedAuthorizationRequestEndpoint is of RFC 9126, Section 5.
	PushedAuthorizationRequestEndpoint string `json:"pushed_authorization_request_endpoint,omitempty"`
	// RequirePushedAuthorizationRequests is of RFC 9126, Section 5.
	RequirePushedAuthorizationRequests bool `json:"require_pushed_authorization_requests,omitempty"`
	// ProtectedResources are of RFC 9728, Section 4.
	ProtectedResources []string `json:"protected_resources,omitempty"`
	// DefaultResource is the resource (RFC 8707) of a request that names none.
	// Ours: no registered member says it.
	DefaultResource string `json:"clientele_default_resource,omitempty"`
	// Protocol that the server speaks with registrars; absent: FirstProtocol. Version
	// of the program, for people. Ours.
	Protocol int    `json:"clientele_protocol,omitempty"`
	Version  string `json:"clientele_version,omitempty"`
	// DeviceAuthorizationEndpoint is of RFC 8628, Section 4.
	DeviceAuthorizationEndpoint string `json:"device_authorization_endpoint,omitempty"`

	// The members below are of OpenID Connect Discovery 1.0, Section 3, and of
	// RP-Initiated Logout 1.0, Section 2.1.
	UserinfoEndpoint                 string   `json:"userinfo_endpoint,omitempty"`
	EndSessionEndpoint               string   `json:"end_session_endpoint,omitempty"`
	SubjectTypesSupported            []string `json:"subject_types_supported,omitempty"`
	IDTokenSigningAlgValuesSupported []string `json:"id_token_signing_alg_values_supported,omitempty"`
	ClaimsSupported                  []string `json:"claims_supported,omitempty"`
	PromptValuesSupported            []string `json:"prompt_values_supported,omitempty"`
	ClaimTypesSupported              []string `json:"claim_types_supported,omitempty"`
	// RequestURIParameterSupported is a pointer because absent it means true;
	// the other two mean false then, and may be left out.
	RequestURIParameterSupported *bool `json:"request_uri_parameter_supported,omitempty"`
	RequestParameterSupported    bool  `json:"request_parameter_supported,omitempty"`
	ClaimsParameterSupported     bool  `json:"claims_parameter_supported,omitempty"`
}
