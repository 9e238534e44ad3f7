package oauth

import (
	"errors"
	"fmt"
	"reflect"
)

// Protocol is the version of what registrars and servers say to each other: the requests
// and answers of the registrar API, and what registrars send in registrations. Both sides
// ignore members that they do not know.
//
//   - 1: as it was before there were versions. The metadata and the leases of replicas
//     name none.
//   - 2: the metadata has clientele_protocol and clientele_version, leases have version
//     and protocol, and the registrar API may have a port of its own.
//
// Who speaks version n also speaks n-1 (see AgreeOnProtocol). A member that a registrar
// sends and that a server must not ignore takes a new version and a line in memberSince.
const Protocol = 2

// FirstProtocol is the version of a server that names none.
const FirstProtocol = 1

// The ways in which a registrar and a server have no version in common.
var (
	// ErrProtocolTooOld: the server is more than one version behind.
	ErrProtocolTooOld = errors.New("the server is too old")
	// ErrProtocolTooNew: the server is more than one version ahead.
	ErrProtocolTooNew = errors.New("the server is too new")
)

// AgreeOnProtocol returns the version that a registrar of version ours speaks with servers
// of the versions theirs, several replicas of one server or several hints about one: the
// lowest. 0 stands for FirstProtocol. The error is ErrProtocolTooOld or ErrProtocolTooNew.
func AgreeOnProtocol(ours int, theirs ...int) (int, error) {
	lowest := ours
	for _, v := range theirs {
		v = max(v, FirstProtocol)
		switch {
		case v < ours-1:
			return 0, fmt.Errorf("%w: it speaks version %d of the registrar protocol, and the operator %d and %d", ErrProtocolTooOld, v, ours-1, ours)
		case v > ours+1:
			return 0, fmt.Errorf("%w: it speaks versions %d and %d of the registrar protocol, and the operator %d", ErrProtocolTooNew, v-1, v, ours)
		}
		lowest = min(lowest, v)
	}
	return lowest, nil
}

// memberSince has the members of what registrars send (Registration, policy.Policy) that
// came after FirstProtocol, by Go type and name, with the version that brought them.
var memberSince = map[string]int{}

// NeededProtocol returns the lowest version in which a Registration or a policy.Policy can
// be sent: a server of an older one would ignore a member, and hold something else than it
// was sent.
func NeededProtocol(sent any) int { return neededProtocol(reflect.ValueOf(sent), memberSince) }

// neededProtocol looks at every member that is set.
func neededProtocol(v reflect.Value, since map[string]int) int {
	version := FirstProtocol
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			version = neededProtocol(v.Elem(), since)
		}
	case reflect.Slice:
		for i := range v.Len() {
			version = max(version, neededProtocol(v.Index(i), since))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				continue
			}
			member := v.Type().Name() + "." + v.Type().Field(i).Name
			version = max(version, since[member], neededProtocol(v.Field(i), since))
		}
	}
	return version
}
