package oauth

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// full returns a valid registration of a machine client, with every field filled
// that such a one has; web fills the others.
func full() Registration {
	return Registration{
		ClientID:                "team-a.app",
		ClientName:              "App of team A",
		GrantTypes:              []GrantType{GrantClientCredentials},
		TokenEndpointAuthMethod: AuthClientSecretPost,
		Scope:                   "orders.read orders.write",
		Managed: &Managed{
			Owner:                 Owner{Cluster: "c1", Namespace: "team-a", Name: "app", UID: "u-1"},
			Counter:               7,
			Generation:            3,
			SecretHashes:          []string{strings.Repeat("a", 64), strings.Repeat("b", 64)},
			RegistrationTokenHash: strings.Repeat("c", 64),
			Resources:             []string{"https://orders.example", "https://billing.example"},
			AccessTokenLifetime:   300,
			NamespaceLabels:       map[string]string{"kubernetes.io/metadata.name": "team-a", "env": "prod"},
			ClientLabels:          map[string]string{"tier": "backend"},
			Disabled:              true,
			Orphaned:              true,
			Adopt:                 "u-0",
		},
	}
}

func labelsOf(n int) map[string]string {
	labels := map[string]string{}
	for i := range n {
		labels["l"+strconv.Itoa(i)] = "v"
	}
	return labels
}

func TestValidateAccepts(t *testing.T) {
	for name, change := range map[string]func(*Registration){
		"everything filled":                func(*Registration) {},
		"not managed, server picks the id": func(r *Registration) { r.Managed, r.ClientID = nil, "" },
		"method left out":                  func(r *Registration) { r.TokenEndpointAuthMethod = "" },
		"no scope":                         func(r *Registration) { r.Scope = "" },
		"no resources":                     func(r *Registration) { r.Managed.Resources = nil },
		"no labels":                        func(r *Registration) { r.Managed.NamespaceLabels, r.Managed.ClientLabels = nil, nil },
		"empty label value":                func(r *Registration) { r.Managed.ClientLabels = map[string]string{"a": ""} },
		"server's lifetime":                func(r *Registration) { r.Managed.AccessTokenLifetime = 0 },
		"shortest lifetime":                func(r *Registration) { r.Managed.AccessTokenLifetime = MinLifetime },
		"longest lifetime":                 func(r *Registration) { r.Managed.AccessTokenLifetime = MaxLifetime },
		"first of all":                     func(r *Registration) { r.Managed.Counter, r.Managed.Generation = 0, 0 },
		"most hashes":                      func(r *Registration) { r.Managed.SecretHashes = slices.Repeat(r.Managed.SecretHashes, 2) },
		"cluster is the server's business": func(r *Registration) { r.Managed.Owner.Cluster = "'; drop table" },
		"a name in any script":             func(r *Registration) { r.ClientName = "سامانه\u200cها 注文 🧾" },
		"longest name, counted by people":  func(r *Registration) { r.ClientName = strings.Repeat("é", MaxClientNameLength) },
	} {
		r := full()
		change(&r)
		if err := r.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Registration)
		names  string // what the message must name
	}{
		"client id missing":         {func(r *Registration) { r.ClientID = "" }, "client_id"},
		"client id with slash":      {func(r *Registration) { r.ClientID = "a/b" }, "client_id"},
		"client id too long":        {func(r *Registration) { r.ClientID = strings.Repeat("a", 256) }, "client_id"},
		"A16 SQL in client id":      {func(r *Registration) { r.ClientID = "a';--" }, "client_id"},
		"client id, not managed":    {func(r *Registration) { r.ClientID, r.Managed = "a b", nil }, "client_id"},
		"name too long":             {func(r *Registration) { r.ClientName = strings.Repeat("a", 201) }, "client_name"},
		"name with line break":      {func(r *Registration) { r.ClientName = "a\nb" }, "client_name"},
		"name with line separator":  {func(r *Registration) { r.ClientName = "a\u2028b" }, "client_name"},
		"A9 name turns text around": {func(r *Registration) { r.ClientName = "a\u202eb" }, "client_name"},
		"name not UTF-8":            {func(r *Registration) { r.ClientName = "a\xff" }, "client_name"},
		"unknown grant type":        {func(r *Registration) { r.GrantTypes = append(r.GrantTypes, "password") }, "password"},
		"empty grant type":          {func(r *Registration) { r.GrantTypes = []GrantType{""} }, "grant_types"},
		"too many grant types":      {func(r *Registration) { r.GrantTypes = slices.Repeat(r.GrantTypes, 9) }, "grant_types"},
		"unknown method":            {func(r *Registration) { r.TokenEndpointAuthMethod = "private_key_jwt" }, "token_endpoint_auth_method"},
		"method quoted short":       {func(r *Registration) { r.TokenEndpointAuthMethod = AuthMethod(strings.Repeat("m", 999)) }, "mmm..."},
		"bad scope":                 {func(r *Registration) { r.Scope = "a\tb" }, "scope"},
		"A15 huge scope":            {func(r *Registration) { r.Scope = strings.Repeat("a", 1<<20) }, "scope"},
		"owner namespace":           {func(r *Registration) { r.Managed.Owner.Namespace = "Team" }, "owner.namespace"},
		"owner name":                {func(r *Registration) { r.Managed.Owner.Name = "" }, "owner.name"},
		"owner uid":                 {func(r *Registration) { r.Managed.Owner.UID = "" }, "owner.uid"},
		"negative counter":          {func(r *Registration) { r.Managed.Counter = -1 }, "counter"},
		"negative generation":       {func(r *Registration) { r.Managed.Generation = -1 }, "generation"},
		"no hash":                   {func(r *Registration) { r.Managed.SecretHashes = nil }, "secret_hashes"},
		"too many hashes":           {func(r *Registration) { r.Managed.SecretHashes = slices.Repeat(r.Managed.SecretHashes, 3) }, "secret_hashes"},
		"upper-case hash":           {func(r *Registration) { r.Managed.SecretHashes[1] = strings.Repeat("A", 64) }, "secret_hashes[1]"},
		"short hash":                {func(r *Registration) { r.Managed.SecretHashes[0] = strings.Repeat("a", 63) }, "secret_hashes[0]"},
		"a secret as hash":          {func(r *Registration) { r.Managed.SecretHashes[0] = "cls_Secret" }, "secret_hashes[0]"},
		"registration token hash":   {func(r *Registration) { r.Managed.RegistrationTokenHash = "" }, "registration_token_hash"},
		"resource not absolute":     {func(r *Registration) { r.Managed.Resources[1] = "/orders" }, "resources[1]"},
		"resource twice":            {func(r *Registration) { r.Managed.Resources[1] = r.Managed.Resources[0] }, "resources[1]"},
		"too many resources":        {func(r *Registration) { r.Managed.Resources = slices.Repeat(r.Managed.Resources, 9) }, "resources"},
		"lifetime too short":        {func(r *Registration) { r.Managed.AccessTokenLifetime = 59 }, "access_token_lifetime"},
		"lifetime too long":         {func(r *Registration) { r.Managed.AccessTokenLifetime = MaxLifetime + 1 }, "access_token_lifetime"},
		"negative lifetime":         {func(r *Registration) { r.Managed.AccessTokenLifetime = -60 }, "access_token_lifetime"},
		"namespace label key":       {func(r *Registration) { r.Managed.NamespaceLabels["a b"] = "" }, "namespace_labels"},
		"client label value":        {func(r *Registration) { r.Managed.ClientLabels["a"] = "b c" }, "client_labels"},
		"A15 too many labels":       {func(r *Registration) { r.Managed.ClientLabels = labelsOf(MaxLabels + 1) }, "client_labels"},
		"adopt is no uid":           {func(r *Registration) { r.Managed.Adopt = "a b" }, "adopt"},
	} {
		r := full()
		c.change(&r)
		err := r.Validate()
		if !errors.Is(err, InvalidClientMetadata("")) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if text := AsError(err).Description; !strings.Contains(text, c.names) {
			t.Errorf("%s: %q does not name %s", name, text, c.names)
		}
	}
}

// F36: what a request says by mistake must not come back or reach a log.
func TestF36ValidateDoesNotRepeatASecret(t *testing.T) {
	const planted = "cls_PlantedSecret"
	for name, change := range map[string]func(*Registration){
		"as client id":          func(r *Registration) { r.ClientID = planted + "/" },
		"as hash":               func(r *Registration) { r.Managed.SecretHashes[0] = planted },
		"as registration token": func(r *Registration) { r.Managed.RegistrationTokenHash = planted },
		"as resource":           func(r *Registration) { r.Managed.Resources[0] = planted },
		"as label":              func(r *Registration) { r.Managed.ClientLabels["a"] = planted + "/" },
		"as scope":              func(r *Registration) { r.Scope = planted + `"` },
	} {
		r := full()
		change(&r)
		if err := r.Validate(); err == nil || strings.Contains(err.Error(), planted) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidateChangesNothing(t *testing.T) {
	r := full()
	before := r.Digest()
	labels := maps.Clone(r.Managed.ClientLabels)
	if err := r.Validate(); err != nil {
		t.Fatal(err)
	}
	if r.Digest() != before || !maps.Equal(labels, r.Managed.ClientLabels) {
		t.Error("Validate changed the registration")
	}
}
