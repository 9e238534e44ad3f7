package main

import (
	"fmt"
	"os"
	"strings"
)

// versions are the module versions that go.mod pins.
type versions struct {
	kubernetes string // k8s.io/kubernetes, "v1.37.2"
	etcd       string // go.etcd.io/etcd/server/v3, "v3.7.0"
}

// dir names the folder of one pair of versions.
func (v versions) dir() string {
	return "kubernetes-" + v.kubernetes + "_etcd-" + v.etcd
}

// downloadedDir names the folder of the published programs of the same minor
// version.
func (v versions) downloadedDir() string {
	return "kubernetes-" + v.kubernetes + "_downloaded"
}

// readVersions reads the two requirements from a go.mod. go.mod is the one
// place where a version stands, so that an update there is an update here.
func readVersions(path string) (versions, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return versions{}, fmt.Errorf("read the pinned versions: %w", err)
	}
	v := versions{
		kubernetes: required(string(text), "k8s.io/kubernetes"),
		etcd:       required(string(text), "go.etcd.io/etcd/server/v3"),
	}
	if v.kubernetes == "" || v.etcd == "" {
		return versions{}, fmt.Errorf("%s requires no k8s.io/kubernetes or no go.etcd.io/etcd/server/v3", path)
	}
	return v, nil
}

// required returns the version of a module in a go.mod's require block.
func required(gomod, module string) string {
	for line := range strings.Lines(gomod) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == module && strings.HasPrefix(f[1], "v") {
			return f[1]
		}
	}
	return ""
}

// linkerFlags strip the binary and tell it its version. Without a version the
// API server calls itself v0.0.0, which clients and its own emulation-version
// check cannot work with.
func (v versions) linkerFlags() string {
	flags := []string{"-s", "-w"}
	major, minor := v.majorMinor()
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X", pkg+".gitVersion="+v.kubernetes,
			"-X", pkg+".gitMajor="+major,
			"-X", pkg+".gitMinor="+minor,
			"-X", pkg+".gitCommit=from-go-modules",
			"-X", pkg+".gitTreeState=clean",
		)
	}
	return strings.Join(flags, " ")
}

func (v versions) majorMinor() (major, minor string) {
	parts := strings.SplitN(strings.TrimPrefix(v.kubernetes, "v"), ".", 3)
	if len(parts) < 2 {
		return "", ""
	}
	return parts[0], parts[1]
}
