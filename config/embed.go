// Package config holds what `kubectl apply -k config` installs of this release.
package config

import _ "embed"

// Install is all objects of the operator in YAML, as the chart makes them without values.
//
//go:embed install.yaml
var Install []byte
