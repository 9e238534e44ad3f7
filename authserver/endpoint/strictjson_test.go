package endpoint

import (
	"reflect"
	"testing"

	"clientele.dev/clientele/authserver/oauth"
	"clientele.dev/clientele/authserver/policy"
)

func TestA15StrictJSON(t *testing.T) {
	for rule, c := range map[string]struct {
		body string
		ok   bool
	}{
		"unknown members are ignored (RFC 7591, Section 2)": {`{"client_id":"a","future":{"x":[1,2]}}`, true},
		"labels are told apart by case":                     {`{"clientele_managed":{"client_labels":{"App":"1","app":"2"}}}`, true},
		"the same label twice":                              {`{"clientele_managed":{"client_labels":{"app":"1","app":"2"}}}`, false},
		"a member twice":                                    {`{"client_id":"a","client_id":"a"}`, false},
		"another name, for its case differs":                {`{"client_id":"a","Client_ID":"b"}`, true},
		"twice, escaped":                                    {`{"client_id":"a","client\u005fid":"b"}`, false},
		"trailing document":                                 {`{}{}`, false},
		"trailing space":                                    {"{}\n ", true},
		"not closed":                                        {`{"client_id":"a"`, false},
	} {
		var r oauth.Registration
		if err := strictUnmarshal([]byte(c.body), &r); (err == nil) != c.ok {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func TestStrictJSONIsReadByExactNames(t *testing.T) {
	var r selfRegistration
	err := strictUnmarshal([]byte(`{"Client_ID":"x","client_id":"a","CLIENTELE_MANAGED":{},"redirect_uris":["https://a.example/cb"],"Redirect_URIs":[],
		"contacts":null,"default_max_age":7,"client_secret":"s","post_logout_redirect_uris":[],"\u212a":1}`), &r)
	age := int64(7)
	want := selfRegistration{ClientSecret: "s", Registration: oauth.Registration{
		ClientID: "a", RedirectURIs: []string{"https://a.example/cb"}, DefaultMaxAge: &age, PostLogoutRedirectURIs: []string{},
	}}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%+v, %v", r, err)
	}
	var m oauth.Registration
	if err := strictUnmarshal([]byte(`{"clientele_managed":{"Trusted":true,"counter":2,"owner":{"UID":"x","name":"n"}}}`), &m); err != nil ||
		!reflect.DeepEqual(m.Managed, &oauth.Managed{Counter: 2, Owner: oauth.Owner{Name: "n"}}) {
		t.Errorf("%+v, %v", m.Managed, err)
	}
	var p policy.Policy
	if err := strictUnmarshal([]byte(`{"allow":[{"client_selector":{"matchLabels":{"App":"1","app":"2"},"matchexpressions":[{}]}}]}`), &p); err != nil ||
		len(p.Allow[0].ClientSelector.MatchLabels) != 2 || p.Allow[0].ClientSelector.MatchExpressions != nil {
		t.Errorf("%+v, %v", p, err)
	}
}

// What is wrong is told by the names of the document, not those of Go.
func TestStrictJSONNamesTheMember(t *testing.T) {
	for body, want := range map[string]string{
		`{"redirect_uris":"https://a.example/cb"}`:           "redirect_uris must be a list of strings",
		`{"redirect_uris":[1]}`:                              "redirect_uris[0] must be a string",
		`{"client_name":{"planted":1}}`:                      "client_name must be a string",
		`{"default_max_age":1.5}`:                            "default_max_age must be a whole number",
		`{"clientele_managed":[]}`:                           "clientele_managed must be an object",
		`{"clientele_managed":{"trusted":"planted"}}`:        "clientele_managed.trusted must be true or false",
		`{"clientele_managed":{"owner":{"uid":7}}}`:          "clientele_managed.owner.uid must be a string",
		`{"clientele_managed":{"client_labels":{"app":[]}}}`: "clientele_managed.client_labels must be an object whose members are strings",
		`["planted"]`: "it must be an object",
	} {
		var r oauth.Registration
		if err := strictUnmarshal([]byte(body), &r); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	if err := strictUnmarshal([]byte(`{"scopes":["a"]}`), &policy.Policy{}); err == nil || err.Error() != "scopes[0] must be an object" {
		t.Error(err)
	}
}

func FuzzStrictJSON(f *testing.F) {
	f.Add([]byte(`{"client_id":"a","clientele_managed":{"counter":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r oauth.Registration
		if strictUnmarshal(body, &r) == nil {
			_ = r.Validate()
		}
	})
}
