package signin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/credential"
)

// flow is what is remembered while the browser is at the provider. It lies in a
// cookie and nowhere else, so that beginning costs no database write, and the
// answer is only good in the browser that began: state, nonce and code verifier
// are random and in no URL but as state, hash and nonce.
//
// There is one flow at a time per browser; the latest begun is the one that can
// end.
type flow struct {
	Provider string `json:"p"`
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	Return   string `json:"r"`
	Expires  int64  `json:"e"`
}

const (
	flowLifetime = 10 * time.Minute
	flowDomain   = "upstream sign-in"
	// MaxReturn is how many bytes Start.Return may have: a sealed request of 4
	// KiB and the path around it.
	MaxReturn = 5000
	// A browser keeps 4,096 bytes of name, value and attributes (RFC 6265,
	// Section 6.1); a flow takes up to two cookies.
	flowChunk = 3700
)

var flowCookies = [2]string{"upstream", "upstream-more"}

// seal writes the flow: base64url JSON, a dot, and its MAC.
func (f flow) seal(keys credential.ServerKeys) (string, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(data)
	return text + "." + keys.MAC(flowDomain, []byte(text)), nil
}

// openFlow reads what seal wrote; false: it is not ours, or too old.
func openFlow(keys credential.ServerKeys, sealed string, now time.Time) (flow, bool) {
	text, mac, _ := strings.Cut(sealed, ".")
	if !keys.VerifyMAC(mac, flowDomain, []byte(text)) {
		return flow{}, false
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(text)
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
