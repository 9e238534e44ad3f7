package peer

import (
	"net/netip"
	"strings"
	"testing"
)

func proxies(t testing.TB, cidrs ...string) Proxies {
	t.Helper()
	p, err := ParseProxies(cidrs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestA17Address(t *testing.T) {
	p := proxies(t, "10.0.0.0/28", "10.9.9.9", "fd00::/16")
	for rule, c := range map[string]struct {
		remote    string
		forwarded []string
		want      string
	}{
		"no proxy":                               {"192.0.2.1:1234", nil, "192.0.2.1"},
		"whoever is no proxy is not believed":    {"192.0.2.1:1234", []string{"203.0.113.5"}, "192.0.2.1"},
		"nor beside a proxy's network":           {"10.0.0.16:1234", []string{"203.0.113.5"}, "10.0.0.16"},
		"a proxy without a header":               {"10.0.0.1:1234", nil, "10.0.0.1"},
		"one proxy":                              {"10.0.0.1:1234", []string{"203.0.113.5"}, "203.0.113.5"},
		"what the caller wrote itself":           {"10.0.0.1:1234", []string{"198.51.100.7, 203.0.113.5"}, "203.0.113.5"},
		"what the caller wrote, in its own line": {"10.0.0.1:1234", []string{"198.51.100.7", "203.0.113.5"}, "203.0.113.5"},
		"a proxy's address from the caller":      {"10.0.0.1:1234", []string{"10.0.0.2, 203.0.113.5"}, "203.0.113.5"},
		"junk from the caller":                   {"10.0.0.1:1234", []string{"\"); drop table, ,,, 203.0.113.5"}, "203.0.113.5"},
		"a chain of two proxies":                 {"10.0.0.1:1234", []string{"198.51.100.7, 203.0.113.5, 10.9.9.9"}, "203.0.113.5"},
		"a chain in two lines":                   {"10.0.0.1:1234", []string{"203.0.113.5", "10.9.9.9"}, "203.0.113.5"},
		"a chain over IPv6":                      {"[fd00::1]:1234", []string{"2001:db8::5,\tfd00:0:0:1::2"}, "2001:db8::5"},
		"nobody but proxies":                     {"10.0.0.1:1234", []string{"10.0.0.3, 10.9.9.9"}, "10.0.0.3"},
		"a port":                                 {"10.0.0.1:1234", []string{"203.0.113.5:443"}, "203.0.113.5"},
		"IPv6 with a port":                       {"10.0.0.1:1234", []string{"[2001:db8::5]:443"}, "2001:db8::5"},
		"IPv6 in brackets":                       {"10.0.0.1:1234", []string{"[2001:db8::5]"}, "2001:db8::5"},
		"IPv6 in another spelling":               {"10.0.0.1:1234", []string{"2001:0DB8:0:0::5"}, "2001:db8::5"},
		"a zone":                                 {"[fe80::1%eth0]:1234", nil, "fe80::1"},
		"a proxy as IPv6 sees IPv4":              {"[::ffff:10.0.0.1]:1234", []string{"::ffff:203.0.113.5"}, "203.0.113.5"},
		"IPv4 in brackets is junk":               {"10.0.0.1:1234", []string{"[203.0.113.5]"}, "10.0.0.1"},
		"junk where the proxy writes":            {"10.0.0.1:1234", []string{"203.0.113.5, unknown"}, "10.0.0.1"},
		"junk behind a chain":                    {"10.0.0.1:1234", []string{"203.0.113.5 198.51.100.7, 10.9.9.9"}, "10.0.0.1"},
		"an empty header":                        {"10.0.0.1:1234", []string{""}, "10.0.0.1"},
		"an empty member":                        {"10.0.0.1:1234", []string{"203.0.113.5,"}, "10.0.0.1"},
		"a Unix socket":                          {"@", []string{"203.0.113.5"}, "@"},
		"nothing":                                {"", []string{"203.0.113.5"}, ""},
	} {
		if got := p.Address(c.remote, c.forwarded); got != c.want {
			t.Errorf("%s: %s, want %s", rule, got, c.want)
		}
	}
	if got := (Proxies{}).Address("127.0.0.1:1", []string{"203.0.113.5"}); got != "127.0.0.1" {
		t.Errorf("without trusted proxies: %s", got)
	}
}

func TestParseProxies(t *testing.T) {
	if p := proxies(t, " 10.0.0.7/8", "::ffff:192.0.2.1"); !p.trusts(netip.MustParseAddr("10.255.0.1")) || !p.trusts(netip.MustParseAddr("192.0.2.1")) {
		t.Errorf("%v", p)
	}
	for _, bad := range []string{"", "proxy", "10.0.0.0/33", "0.0.0.0/0", "::/0", "::ffff:10.0.0.0/104", "10.0.0.1:80"} {
		if p, err := ParseProxies([]string{"10.0.0.1", bad}); err == nil || len(p.networks) > 0 || !strings.Contains(err.Error(), `"`+bad+`"`) {
			t.Errorf("%q: %v, %v", bad, p, err)
		}
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1":                  "192.0.2.1",
		"192.0.2.1:1234":             "192.0.2.1",
		"::ffff:192.0.2.1":           "192.0.2.1",
		"[2001:db8:1:2:3:4:5:6]:443": "2001:db8:1:2::/64",
		"2001:db8:1:2::ffff":         "2001:db8:1:2::/64",
		"fe80::1%eth0":               "fe80::/64",
		"@":                          "@",
	} {
		if got := Network(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// FuzzAddress: whoever is connected and no proxy stays who they are, whatever the
// header holds; and a proxy's own entry decides, whatever stands before it.
func FuzzAddress(f *testing.F) {
	for _, seed := range []string{"", ",", "203.0.113.5", "10.0.0.1, 10.0.0.2", "[::1]:80, x", "\x00", "::ffff:10.0.0.1%a"} {
		f.Add(seed, "203.0.113.5:1")
		f.Add(seed, "10.0.0.1:1")
	}
	p := proxies(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, header, remote string) {
		got := p.Address(remote, []string{header})
		addr, ok := parse(remote)
		switch {
		case !ok && got != remote:
			t.Errorf("%q is no address, but it became %q", remote, got)
		case ok && !p.trusts(addr) && got != addr.String():
			t.Errorf("%q is no proxy, but it became %q by %q", remote, got, header)
		}
		if ok {
			if again, err := netip.ParseAddr(got); err != nil || plain(again).String() != got {
				t.Errorf("%q by %q from %q is not an address in its one form", got, header, remote)
			}
		}
		for _, forwarded := range [][]string{{header + ", 198.51.100.9, 10.0.0.2"}, {header, "198.51.100.9", "10.0.0.2"}} {
			if got := p.Address("10.0.0.1:1", forwarded); got != "198.51.100.9" {
				t.Errorf("%q became %q", forwarded, got)
			}
		}
	})
}
