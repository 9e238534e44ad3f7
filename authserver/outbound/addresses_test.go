package outbound

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestA8Addresses(t *testing.T) {
	strict, lenient := Policy{}, Policy{Private: true}
	for _, c := range []struct {
		addr            string
		strict, lenient bool
	}{
		{"93.184.215.14", true, true},
		{"1.1.1.1", true, true},
		{"172.15.255.255", true, true},
		{"172.32.0.0", true, true},
		{"100.63.255.255", true, true},
		{"100.128.0.0", true, true},
		{"223.255.255.255", true, true},
		{"2606:2800:21f:cb07::1", true, true},
		{"::ffff:93.184.215.14", true, true},
		{"64:ff9b::5db8:d70e", true, true}, // 93.184.215.14 behind a NAT64

		{"127.0.0.1", false, true},
		{"127.255.255.254", false, true},
		{"::1", false, true},
		{"10.0.0.1", false, true},
		{"172.16.0.1", false, true},
		{"172.31.255.255", false, true},
		{"192.168.1.1", false, true},
		{"100.64.0.1", false, true},
		{"100.127.255.255", false, true},
		{"fc00::1", false, true},
		{"fdff:ffff::1", false, true},
		{"::ffff:127.0.0.1", false, true},
		{"::ffff:10.0.0.1", false, true},
		{"64:ff9b::a00:1", false, true},
		{"64:ff9b::7f00:1", false, true},

		{"169.254.169.254", false, false},
		{"169.254.0.1", false, false},
		{"::ffff:169.254.169.254", false, false},
		{"64:ff9b::a9fe:a9fe", false, false},
		{"fe80::1", false, false},
		{"fe80::1%eth0", false, false},
		{"febf::1", false, false},
		{"fd00:ec2::254", false, false},
		{"fd00:ec2::23", false, false}, // credentials of pods
		{"fd00:c1::a9fe:a9fe", false, false},
		{"fd00:42::42", false, false},
		{"fd20:ce::254", false, false},
		{"100.100.100.200", false, false},
		{"168.63.129.16", false, false},
		{"192.0.0.192", false, false},
		{"0.0.0.0", false, false},
		{"0.1.2.3", false, false},
		{"::", false, false},
		{"::ffff:0.0.0.0", false, false},
		{"224.0.0.1", false, false},
		{"239.255.255.255", false, false},
		{"ff02::1", false, false},
		{"255.255.255.255", false, false},
		{"240.0.0.1", false, false},

		{"192.0.0.8", false, false},
		{"192.0.2.1", false, false},
		{"192.31.196.1", false, false},
		{"192.52.193.1", false, false},
		{"192.88.99.1", false, false},
		{"192.175.48.1", false, false},
		{"198.18.0.1", false, false},
		{"198.19.255.255", false, false},
		{"198.51.100.1", false, false},
		{"203.0.113.1", false, false},
		{"2001::1", false, false},           // Teredo
		{"2001:1::1", false, false},         // protocol assignments
		{"2001:10::1", false, false},        // ORCHID
		{"2001:db8::1", false, false},       // documentation
		{"2002:a9fe:a9fe::1", false, false}, // 6to4 of 169.254.169.254
		{"2002:5db8:d70e::1", false, false}, // 6to4 of anything
		{"2620:4f:8000::1", false, false},   // AS112
		{"3fff::1", false, false},           // documentation
		{"::127.0.0.1", false, false},       // IPv4-compatible
		{"::ffff:0:7f00:1", false, false},   // IPv4-translated
		{"64:ff9b:1::a00:1", false, false},  // a NAT64 of one's own
		{"100::1", false, false},            // discard-only
		{"5f00::1", false, false},           // segment routing
		{"fec0::1", false, false},           // site-local, deprecated
		{"4000::1", false, false},           // not assigned
	} {
		for _, p := range []struct {
			policy Policy
			want   bool
		}{{strict, c.strict}, {lenient, c.lenient}} {
			err := p.policy.Check(netip.MustParseAddr(c.addr))
			if (err == nil) != p.want || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("%s, private %v: %v", c.addr, p.policy.Private, err)
			}
		}
	}
}

func TestA8AllowedPrefixes(t *testing.T) {
	allow, err := ParseAllow([]string{"10.1.0.0/16", "198.18.0.0/15", "0.0.0.0/0", "fd12:3456::/32"})
	if err != nil {
		t.Fatal(err)
	}
	few := Policy{Allow: []netip.Prefix{allow[0], allow[1], allow[3]}}
	all := Policy{Allow: allow}
	for addr, want := range map[string]struct{ few, all bool }{
		"10.1.2.3":        {true, true},
		"::ffff:10.1.2.3": {true, true},
		"198.18.0.1":      {true, true},
		"fd12:3456::1":    {true, true},
		"10.2.0.1":        {false, true},
		"127.0.0.1":       {false, true},
		"fd12:3457::1":    {false, false},
		"169.254.169.254": {false, false},
		"0.0.0.0":         {false, false},
	} {
		a := netip.MustParseAddr(addr)
		if (few.Check(a) == nil) != want.few || (all.Check(a) == nil) != want.all {
			t.Errorf("%s: %v, %v", addr, few.Check(a), all.Check(a))
		}
	}
	for text, want := range map[string]string{
		"10.1.0.0":            "such as 10.1.0.0/16",
		"10.1.0.1/16":         "without bits behind",
		"all":                 "such as",
		"::ffff:10.0.0.0/104": "such as",
		"169.254.0.0/16":      "never permitted",
		"169.254.169.254/32":  "never permitted",
		"fe80::/64":           "never permitted",
		"fd00:ec2::254/128":   "never permitted",
	} {
		if _, err := ParseAllow([]string{text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
