package pki

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
)

// DefaultClusterDomain is the DNS domain of a cluster that names no other.
const DefaultClusterDomain = "cluster.local"

// Names says whose certificates are planned.
type Names struct {
	// Server is the name of the AuthorizationServer, Namespace its namespace.
	Server, Namespace string
	// ClusterDomain is the DNS domain of the cluster. Empty: DefaultClusterDomain.
	ClusterDomain string
	// Issuer is the issuer identifier, an https URL.
	Issuer string
}

// hosts are DNS names and addresses.
type hosts struct {
	dns []string
	ips []netip.Addr
}

// issuerHost is the issuer's host as a certificate holds it.
func issuerHost(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
}

// wanted are all names that the serving certificate is for: those by which clients and
// the operator reach the Services, and the issuer's host.
func (n Names) wanted() hosts {
	all := slices.Concat(n.serviceNames(v1alpha1.ServerObjectName(n.Server)), n.serviceNames(v1alpha1.RegistrarServiceName(n.Server)))
	return hostsOf(append(all, issuerHost(n.Issuer)))
}

// essential are the names without which the server cannot do its work. The others
// only follow the cluster's domain.
func (n Names) essential() hosts {
	return hostsOf([]string{n.registrar(), v1alpha1.ServerObjectName(n.Server) + "." + n.Namespace + ".svc", issuerHost(n.Issuer)})
}

// registrar is the name by which the operator reaches the registrar API.
func (n Names) registrar() string {
	return v1alpha1.RegistrarServiceName(n.Server) + "." + n.Namespace + ".svc"
}

// direct says whether the issuer's host is a name of the server's own Service, so that
// clients see the server's certificate and not that of a gateway.
func (n Names) direct() bool {
	return slices.Contains(n.serviceNames(v1alpha1.ServerObjectName(n.Server)), issuerHost(n.Issuer))
}

func (n Names) serviceNames(service string) []string {
	domain := strings.ToLower(strings.Trim(n.ClusterDomain, "."))
	if domain == "" {
		domain = DefaultClusterDomain
	}
	short := service + "." + n.Namespace
	return []string{short, short + ".svc", short + ".svc." + domain}
}

// hostsOf sorts names into DNS names and addresses. What is neither is left out.
func hostsOf(names []string) hosts {
	var h hosts
	for _, name := range names {
		if ip, err := netip.ParseAddr(name); err == nil {
			h.ips = append(h.ips, ip.WithZone("").Unmap())
		} else if dnsName(name) && !slices.Contains(h.dns, name) {
			h.dns = append(h.dns, name)
		}
	}
	return h
}

// dnsName says whether a certificate can hold the name: labels of letters, digits,
// hyphens and underscores, of at most 253 characters together.
func dnsName(name string) bool {
	if name == "" || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// under says whether a DNS name is a subdomain of another.
func under(name, domain string) bool { return strings.HasSuffix(name, "."+domain) }
