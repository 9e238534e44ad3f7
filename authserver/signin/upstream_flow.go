package signin

import (
	"encoding/json"
	"net/http"
	"time"

	"clientele.dev/clientele/authserver/credential"
)

// flow is what is remembered while the browser is at the provider. It lies sealed
// in a cookie and nowhere else, so that beginning costs no database write, and
// the answer is only good in the browser that began.
//
// There is one flow at a time per browser; the latest begun is the one that can
// end.
type flow struct {
	Provider string `json:"p"`
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Return   string `json:"r"`
	Choose   bool   `json:"c,omitempty"`
	Fresh    bool   `json:"f,omitempty"`
	Expires  int64  `json:"e"`
}

// begun is when the browser was sent to the provider, in whole seconds.
func (f flow) begun() time.Time { return time.Unix(f.Expires, 0).UTC().Add(-flowLifetime) }

const (
	flowLifetime = 10 * time.Minute
	flowPurpose  = "upstream sign-in"
	// MaxReturn is how many bytes Start.Return may have: a sealed request of 4
	// KiB and the path around it.
	MaxReturn = 5000
	// A browser keeps 4,096 bytes of name, value and attributes (RFC 6265,
	// Section 6.1); a flow takes up to two cookies.
	flowChunk = 3700
)

var flowCookies = [2]string{"upstream", "upstream-more"}

// seal writes the flow as a box that only the server opens.
func (f flow) seal(keys credential.ServerKeys) (string, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	return keys.SealBox(flowPurpose, data)
}

// openFlow reads what seal wrote; false: it is not ours, or too old.
func openFlow(keys credential.ServerKeys, sealed string, now time.Time) (flow, bool) {
	data, err := keys.OpenBox(flowPurpose, sealed)
	if err != nil {
		return flow{}, false
	}
	var f flow
	if err := json.Unmarshal(data, &f); err != nil || now.Unix() >= f.Expires {
		return flow{}, false
	}
	return f, true
}

func (c Cookies) setFlow(sealed string) []*http.Cookie {
	first := min(len(sealed), flowChunk)
	cookies := []*http.Cookie{c.cookie(flowCookies[0], sealed[:first], flowLifetime)}
	if first == len(sealed) {
		return append(cookies, c.cookie(flowCookies[1], "", -time.Second))
	}
	return append(cookies, c.cookie(flowCookies[1], sealed[first:], flowLifetime))
}

func (c Cookies) readFlow(r *http.Request) string {
	return c.read(r, flowCookies[0]).Reveal() + c.read(r, flowCookies[1]).Reveal()
}

// EndUpstream are the cookies that forget a flow; set them whatever Finish said.
func (c Cookies) EndUpstream() []*http.Cookie {
	return []*http.Cookie{c.cookie(flowCookies[0], "", -time.Second), c.cookie(flowCookies[1], "", -time.Second)}
}
