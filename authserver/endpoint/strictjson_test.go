package endpoint

import (
	"testing"

	"clientele.dev/clientele/authserver/oauth"
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
		"twice, in other case":                              {`{"client_id":"a","Client_ID":"b"}`, false},
		"twice, by a letter that folds (Kelvin sign)":       {"{\"k\":1,\"\u212a\":2}", false},
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

func FuzzStrictJSON(f *testing.F) {
	f.Add([]byte(`{"client_id":"a","clientele_managed":{"counter":1}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r oauth.Registration
		if strictUnmarshal(body, &r) == nil {
			_ = r.Validate()
		}
	})
}
