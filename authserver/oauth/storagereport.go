package oauth

import "strings"

// StorageReport is what the server says about its storage, in the answer of GET
// /registrar/v1/changes. A request that names another state than the present one, in its
// parameter `storage`, is answered at once; see NoStorageReport. A server that ends because
// of its storage leaves it as its last word; see String.
type StorageReport struct {
	State StorageState `json:"state"`
	// Message is for people: what is wrong, where, and what to do. It holds no secret.
	Message string `json:"message,omitempty"`
}

// NoStorageReport is the parameter `storage` of a registrar that has no report yet.
const NoStorageReport = "none"

// StorageState says how it goes with a server's storage.
type StorageState string

// The states.
const (
	// StorageAvailable: it can be read and written.
	StorageAvailable StorageState = "Available"
	// StorageAlmostFull: it can be, and little space is left.
	StorageAlmostFull StorageState = "AlmostFull"
	// StorageRestartNeeded: it can be, but the connection string names another place, which
	// the server uses after a restart.
	StorageRestartNeeded StorageState = "RestartNeeded"
	// StorageFull: it can be read only, as no space is left.
	StorageFull StorageState = "Full"
	// StorageUnreachable: the database does not answer, or the disk does not.
	StorageUnreachable StorageState = "Unreachable"
	// StorageRefused: the database does not let the server in, or the server does not use
	// it: it is not the right one, or another process uses it.
	StorageRefused StorageState = "Refused"
	// StorageSchemaTooNew: a newer program has changed it so that this one cannot use it.
	StorageSchemaTooNew StorageState = "SchemaTooNew"
)

var storageStates = []StorageState{
	StorageAvailable, StorageAlmostFull, StorageRestartNeeded,
	StorageFull, StorageUnreachable, StorageRefused, StorageSchemaTooNew,
}

// String is the state and, after a colon, the message, as a server that ends because of
// its storage writes it into its termination log.
func (r StorageReport) String() string { return string(r.State) + ": " + r.Message }

// ParseStorageReport reads what String wrote; nil if it is something else.
func ParseStorageReport(text string) *StorageReport {
	for _, state := range storageStates {
		if message, ok := strings.CutPrefix(text, string(state)+": "); ok {
			return &StorageReport{State: state, Message: message}
		}
	}
	return nil
}
