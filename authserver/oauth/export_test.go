package oauth

// MemberSince and NeededProtocolBy are for the tests of which members came with which
// version of the protocol; these know package policy, which depends on this one.
var (
	MemberSince      = memberSince
	NeededProtocolBy = neededProtocol
)
