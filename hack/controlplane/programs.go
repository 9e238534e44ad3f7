package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// program is one binary.
type program struct {
	name, pkg string
	// alone is how long the first build takes on two cores with an empty Go cache,
	// after how long it takes if kube-apiserver was built just before.
	alone, after time.Duration
	// published: the test binaries that Kubernetes publishes contain it.
	published bool
}

// programs stand in the order in which they are built: small ones first, so that
// the first lines of progress come soon.
var programs = []program{
	{"etcd", "go.etcd.io/etcd/server/v3", time.Minute, time.Minute, true},
	{"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver", 5 * time.Minute, 5 * time.Minute, true},
	{"kubectl", "k8s.io/kubernetes/cmd/kubectl", 2 * time.Minute, time.Minute, true},
	{"kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager", 5 * time.Minute, 2 * time.Minute, false},
}

// named returns the programs with these names in the order of programs; no names:
// all of them.
func named(names []string) ([]program, error) {
	if len(names) == 0 {
		return programs, nil
	}
	var wanted []program
	for _, p := range programs {
		if slices.Contains(names, p.name) {
			wanted = append(wanted, p)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(wanted, func(p program) bool { return p.name == name }) {
			return nil, fmt.Errorf("unknown program %q; there are %s", name, list(programs))
		}
	}
	return wanted, nil
}

// list names the programs for people.
func list(of []program) string {
	var names []string
	for _, p := range of {
		names = append(names, p.name)
	}
	return strings.Join(names, ", ")
}

// firstBuild estimates how long the programs take to build.
func firstBuild(of []program) string {
	var sum time.Duration
	apiServer := slices.ContainsFunc(of, func(p program) bool { return p.name == "kube-apiserver" })
	for _, p := range of {
		if apiServer {
			sum += p.after
		} else {
			sum += p.alone
		}
	}
	if sum == time.Minute {
		return "a minute"
	}
	return fmt.Sprintf("%.0f minutes", sum.Minutes())
}
