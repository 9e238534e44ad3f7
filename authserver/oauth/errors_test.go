package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestErrorConstructors(t *testing.T) {
	for code, construct := range map[Code]func(string, ...any) *Error{
		"invalid_request":         InvalidRequest,
		"invalid_client":          InvalidClient,
		"invalid_grant":           InvalidGrant,
		"unauthorized_client":     UnauthorizedClient,
		"unsupported_grant_type":  UnsupportedGrantType,
		"invalid_scope":           InvalidScope,
		"invalid_target":          InvalidTarget,
		"invalid_client_metadata": InvalidClientMetadata,
		"invalid_redirect_uri":    InvalidRedirectURI,
		"invalid_token":           InvalidToken,
		"insufficient_scope":      InsufficientScope,
		"server_error":            ServerError,
		"temporarily_unavailable": TemporarilyUnavailable,
		"client_id_taken":         ClientIDTaken,
		"owner_mismatch":          OwnerMismatch,
		"stale_counter":           StaleCounter,

		"access_denied":              AccessDenied,
		"unsupported_response_type":  UnsupportedResponseType,
		"login_required":             LoginRequired,
		"consent_required":           ConsentRequired,
		"interaction_required":       InteractionRequired,
		"account_selection_required": AccountSelectionRequired,
		"invalid_request_uri":        InvalidRequestURI,
		"request_not_supported":      RequestNotSupported,
		"request_uri_not_supported":  RequestURINotSupported,
		"registration_not_supported": RegistrationNotSupported,
		"unsupported_token_type":     UnsupportedTokenType,
	} {
		if e := construct("say %d", 1); e.Code != code || e.Description != "say 1" {
			t.Errorf("%s: got %+v", code, e)
		}
	}
}

func TestErrorDescriptionCharacters(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain text stays":        {"a scope, like this!", "a scope, like this!"},
		"double quote":            {`say "x"`, "say 'x'"},
		"backslash":               {`a\b`, "a/b"},
		"line break, header":      {"a\r\nSet-Cookie: x", "a??Set-Cookie: x"},
		"not ASCII":               {"naïve", "na?ve"},
		"not UTF-8":               {"a\xffb", "a?b"},
		"DEL":                     {"a\x7fb", "a?b"},
		"too long is cut":         {strings.Repeat("a", 600), strings.Repeat("a", 509) + "..."},
		"longest is left as is":   {strings.Repeat("a", 512), strings.Repeat("a", 512)},
		"tilde and brackets stay": {"~[]^", "~[]^"},
	} {
		if got := InvalidRequest("%s", c.in).Description; got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestErrorIsByCode(t *testing.T) {
	err := fmt.Errorf("registering: %w", ClientIDTaken("it belongs to a/b"))
	if !errors.Is(err, ClientIDTaken("")) {
		t.Error("an error is not itself by code")
	}
	if errors.Is(err, OwnerMismatch("")) {
		t.Error("an error is another code")
	}
	if errors.Is(err, (*Error)(nil)) {
		t.Error("an error is nil")
	}
	if CodeOf(err) != CodeClientIDTaken || CodeOf(nil) != "" || CodeOf(io.EOF) != CodeServerError {
		t.Error("CodeOf")
	}
}

func TestErrorCauseStaysInside(t *testing.T) {
	plain := InvalidGrant("the code is expired")
	err := plain.WithCause(io.ErrUnexpectedEOF)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), io.ErrUnexpectedEOF.Error()) {
		t.Errorf("the log does not see the cause: %v", err)
	}
	if plain.Unwrap() != nil {
		t.Error("WithCause changed its receiver")
	}
	body, marshalErr := json.Marshal(err)
	if marshalErr != nil || string(body) != `{"error":"invalid_grant","error_description":"the code is expired"}` {
		t.Errorf("the client sees %s (%v)", body, marshalErr)
	}
}

func TestAsErrorHidesWhatIsNotProtocol(t *testing.T) {
	if AsError(nil) != nil {
		t.Error("nil is an error")
	}
	got := AsError(errors.New("dial tcp 10.0.0.1: password=hunter2"))
	if got.Code != CodeServerError || strings.Contains(got.Description, "hunter2") {
		t.Errorf("got %+v", got)
	}
	inner := InvalidScope("x")
	if AsError(fmt.Errorf("outer: %w", inner)) != inner {
		t.Error("the protocol error in the chain was not found")
	}
}
