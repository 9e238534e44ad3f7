package registry

import "clientele.dev/clientele/authserver/oauth"

// Anonymous reports whether anybody may have registered the client: nobody authenticated
// for it.
func (c *Client) Anonymous() bool { return c.Self != nil && c.Self.By == "" }

// VouchedFor reports whether a browser may be sent to one of the client's addresses
// before its person has seen a page of ours (RFC 9700, Section 4.11.2). Somebody who
// is known registered the client; or the address is on the person's own machine,
// where no stranger's page waits.
func (c *Client) VouchedFor(to oauth.RedirectURI) bool {
	return !c.Anonymous() || !to.OnTheWeb()
}
