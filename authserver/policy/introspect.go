package policy

// introspector is an OAuthClient that may introspect tokens for a resource.
type introspector struct {
	resource, cluster string
	ResourceServer
}

func (s *Set) addIntrospectors(p *Policy) {
	for _, rs := range p.ResourceServers {
		s.introspectors[introspector{p.Resource, p.Cluster, rs}] = true
	}
}

// MayIntrospect reports whether a client is a resource server that may introspect
// tokens for the resource, whosever they are (RFC 7662, Section 2.1): a policy of
// the namespace that the resource belongs to names it. A client that registered
// itself never is. That a token's own client may introspect it is not said here.
func (s *Set) MayIntrospect(c Client, resource string) bool {
	if s == nil || c.SelfRegistered {
		return false
	}
	return s.introspectors[introspector{resource, c.Cluster, ResourceServer{c.Namespace, c.Name}}]
}
