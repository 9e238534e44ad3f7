package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
)

// ErrRefused is wrapped by every error of a rule of this package. The text says
// which one it was; it is for the log, not for OAuth clients.
var ErrRefused = errors.New("refused by the rules for outgoing requests")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Policy says which addresses may be spoken to beside those of the public
// internet. The zero value: none.
type Policy struct {
	// Private permits loopback and private networks. It is for URLs that the
	// platform team names.
	Private bool
	// Allow permits what is in these prefixes; see ParseAllow.
	Allow []netip.Prefix
}

// class is what a Policy can do about a range of addresses.
type class int

const (
	public  class = iota // always permitted
	private              // permitted by Policy.Private or Policy.Allow
	special              // permitted by Policy.Allow
	never                // not permitted
)

// block is a range of addresses and what it is for.
type block struct {
	prefix netip.Prefix
	class  class
	name   string
}

// blocks are the IPv4 addresses that are not the public internet's, and of IPv6
// those within 2000::/3, the only global unicast addresses there are, beside some
// to be named. From the IANA IPv4 and IPv6 Special-Purpose Address Registries
// (RFC 6890) and the address space registries; the first that fits counts.
var blocks = []block{
	// Whoever asks these is given credentials of the machine it runs on.
	at("169.254.0.0/16", never, "link-local, where clouds have their metadata service"),
	at("fe80::/10", never, "link-local"),
	at("fd00:ec2::/32", never, "where a cloud has its metadata service, and gives credentials to pods"),
	at("fd00:c1::a9fe:a9fe/128", never, "a cloud's metadata service"),
	at("fd00:42::42/128", never, "a cloud's metadata service"),
	at("fd20:ce::254/128", never, "a cloud's metadata service"),
	at("100.100.100.200/32", never, "a cloud's metadata service"),
	at("168.63.129.16/32", never, "a cloud's metadata service"),
	at("192.0.0.192/32", never, "a cloud's metadata service"),
	// No single host elsewhere; on Linux the unspecified address is loopback.
	at("0.0.0.0/8", never, "this host on this network (RFC 791)"),
	at("::/128", never, "the unspecified address"),
	at("224.0.0.0/4", never, "multicast"),
	at("ff00::/8", never, "multicast"),
	at("240.0.0.0/4", never, "reserved or broadcast"),

	at("127.0.0.0/8", private, "loopback"),
	at("::1/128", private, "loopback"),
	at("10.0.0.0/8", private, "private (RFC 1918)"),
	at("172.16.0.0/12", private, "private (RFC 1918)"),
	at("192.168.0.0/16", private, "private (RFC 1918)"),
	at("100.64.0.0/10", private, "shared address space (RFC 6598)"),
	at("fc00::/7", private, "unique local (RFC 4193)"),

	at("192.0.0.0/24", special, "for protocol assignments (RFC 6890)"),
	at("192.0.2.0/24", special, "for documentation (RFC 5737)"),
	at("192.31.196.0/24", special, "AS112 (RFC 7535)"),
	at("192.52.193.0/24", special, "AMT relays (RFC 7450)"),
	at("192.88.99.0/24", special, "6to4 relays (RFC 7526)"),
	at("192.175.48.0/24", special, "AS112 (RFC 7534)"),
	at("198.18.0.0/15", special, "for benchmarks (RFC 2544)"),
	at("198.51.100.0/24", special, "for documentation (RFC 5737)"),
	at("203.0.113.0/24", special, "for documentation (RFC 5737)"),
	at("2001::/23", special, "for protocol assignments (RFC 2928)"),
	at("2001:db8::/32", special, "for documentation (RFC 3849)"),
	at("2002::/16", special, "6to4 (RFC 3056)"),
	at("2620:4f:8000::/48", special, "AS112 (RFC 7534)"),
	at("3fff::/20", special, "for documentation (RFC 9637)"),
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
)

func at(prefix string, c class, name string) block {
	return block{netip.MustParsePrefix(prefix), c, name}
}

// Check returns nil if an address may be spoken to, or an ErrRefused that says
// what kind of address it is.
func (p Policy) Check(addr netip.Addr) error {
	addr = plain(addr)
	b := find(addr)
	if b.class == public || b.class == private && p.Private || b.class != never && p.allows(addr) {
		return nil
	}
	return refused("the address %s is %s", addr, b.name)
}

func (p Policy) allows(addr netip.Addr) bool {
	for _, prefix := range p.Allow {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// plain is the address that is meant: an IPv4 address that is mapped into IPv6
// (RFC 4291, Section 2.5.5.2), or that a NAT64 translates to (RFC 6052), is that
// IPv4 address. Other ways to write one within IPv6 are refused as they are.
func plain(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr
}

func find(addr netip.Addr) block {
	for _, b := range blocks {
		if b.prefix.Contains(addr) {
			return b
		}
	}
	if addr.Is4() || globalUnicast.Contains(addr) {
		return block{class: public}
	}
	return block{class: special, name: "not of the internet (global unicast, RFC 4291)"}
}

// Allowlist holds prefixes that may change while clients use them. The zero value
// holds none.
type Allowlist struct {
	list atomic.Pointer[[]netip.Prefix]
}

// Set replaces the prefixes. Connections that are open stay open until they are
// idle for 30 s.
func (a *Allowlist) Set(list []netip.Prefix) { a.list.Store(&list) }

func (a *Allowlist) prefixes() []netip.Prefix {
	if a == nil {
		return nil
	}
	if list := a.list.Load(); list != nil {
		return *list
	}
	return nil
}

// ParseAllow reads prefixes such as 10.1.0.0/16 for Policy.Allow. One that names
// only what is never permitted is an error, for it would do nothing.
func ParseAllow(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil || prefix != prefix.Masked() || prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("%q: want an address prefix without bits behind its length, such as 10.1.0.0/16 or fd12:3456::/32", text)
		}
		for _, b := range blocks {
			if b.class == never && b.prefix.Bits() <= prefix.Bits() && b.prefix.Contains(prefix.Addr()) {
				return nil, fmt.Errorf("%q: it is %s, which is never permitted", text, b.name)
			}
		}
		out = append(out, prefix)
	}
	return out, nil
}
