// Package peer tells whose request it is: the address that limits, sessions and
// the audit log go by.
//
// Of the headers in which proxies say whom they speak for, only X-Forwarded-For
// is read. RFC 7239's Forwarded says the same with more words, but few proxies
// set it, and those that do not set a header pass on what the caller wrote there:
// a server that reads both believes whichever the caller chose to forge.
package peer

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are the networks of the proxies that are believed. The zero value
// believes nobody.
type Proxies struct{ networks []netip.Prefix }

// ParseProxies reads networks in CIDR form, such as 10.1.2.0/28, or single
// addresses. A network of everybody is refused: anybody could then be anybody.
func ParseProxies(cidrs []string) (Proxies, error) {
	var p Proxies
	for _, text := range cidrs {
		network, err := parseNetwork(strings.TrimSpace(text))
		if err != nil {
			return Proxies{}, err
		}
		p.networks = append(p.networks, network)
	}
	return p, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = plain(addr)
		return addr.Prefix(addr.BitLen())
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return netip.Prefix{}, fmt.Errorf("%q is neither a network such as 10.1.2.0/28 nor an address", text)
	case network.Addr().Is4In6():
		return netip.Prefix{}, fmt.Errorf("%q: write IPv4 networks as such", text)
	case network.Bits() == 0:
		return netip.Prefix{}, fmt.Errorf("%q would let everybody say who they are; name the proxies' own addresses", text)
	}
	return network.Masked(), nil
}

// trusts says that an address is a proxy's.
func (p Proxies) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(p.networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

// Address is whose request it is, without port and zone: remote is who is
// connected (http.Request.RemoteAddr), forwardedFor the values of
// X-Forwarded-For, in their order.
//
//  1. From somebody who is no trusted proxy the header says nothing: whoever is
//     connected it is.
//  2. Every proxy appends whom it was called by. So the header is walked from its
//     end: over the proxies that are trusted, to the first address that is not
//     one of theirs. What stands before it, that address could have written.
//  3. Where the proxies never come to an end, it is the first in the row.
//  4. If what is walked over is not all addresses, the header is worth nothing,
//     and it is the proxy that is connected.
func (p Proxies) Address(remote string, forwardedFor []string) string {
	addr, ok := parse(remote)
	if !ok {
		return remote // a Unix socket, or nothing
	}
	if len(forwardedFor) == 0 || !p.trusts(addr) { // 1.
		return addr.String()
	}
	client := addr
	for _, line := range slices.Backward(forwardedFor) {
		for rest, more := line, true; more; { // 2.
			var last string
			rest, last, more = cutLast(rest)
			if client, ok = parse(last); !ok { // 4.
				return addr.String()
			}
			if !p.trusts(client) {
				return client.String()
			}
		}
	}
	return client.String() // 3.
}

// cutLast cuts the last member off a comma-separated list.
func cutLast(list string) (rest, last string, more bool) {
	if i := strings.LastIndexByte(list, ','); i >= 0 {
		return list[:i], list[i+1:], true
	}
	return "", list, false
}

// parse reads an address with or without a port; an IPv6 address with a port, and
// in some proxies' headers also without, is in brackets.
func parse(text string) (netip.Addr, bool) {
	text = strings.Trim(text, " \t")
	if addr, err := netip.ParseAddr(text); err == nil {
		return plain(addr), true
	}
	if port, err := netip.ParseAddrPort(text); err == nil {
		return plain(port.Addr()), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			addr, err := netip.ParseAddr(inner)
			return plain(addr), err == nil && addr.Is6()
		}
	}
	return netip.Addr{}, false
}

// plain is an address in its one form.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// Network is what limits count as one address: an IPv4 address, or the /64 of an
// IPv6 one, for whoever has one such address has all of them. What is no address
// is its own network.
func Network(address string) string {
	addr, ok := parse(address)
	if !ok {
		return address
	}
	if addr.Is4() {
		return addr.String()
	}
	network, err := addr.Prefix(64)
	if err != nil {
		return addr.String()
	}
	return network.String()
}
