package access

import (
	"slices"
	"strings"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/policy"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Declaration is whether a namespace may declare a resource, and by which rule.
type Declaration struct {
	May bool
	// Prefix is the longest that covers the resource, as it is written; By names the
	// objects that have one of that length, at most 8. Empty if no prefix covers the
	// resource.
	Prefix string
	By     []string
}

// Declare decides whether a namespace may declare a resource. The objects with the
// longest prefix that covers the resource decide, whichever namespaces they match:
// each of them lets the namespaces that it matches. A prefix with {namespace} covers
// what it would cover for a namespace of any name, whether or not there is one, so
// that a shorter prefix never gives another namespace that resource.
func (s Server) Declare(resource string, ns *corev1.Namespace) Declaration {
	if s.Empty() {
		return Declaration{May: ns.Name == s.namespace}
	}
	var d Declaration
	longest := 0
	for _, o := range s.objects {
		for _, prefix := range prefixes(o) {
			length, of := covering(prefix, resource)
			if length == 0 || length < longest {
				continue
			}
			if length > longest {
				longest, d = length, Declaration{Prefix: prefix}
			}
			if len(d.By) < maxNames && !slices.Contains(d.By, o.Name) {
				d.By = append(d.By, o.Name)
			}
			d.May = d.May || (of == "" || of == ns.Name) && Matches(o, ns)
		}
	}
	return d
}

// Covers says whether a NamespaceAccess has a prefix that covers a resource.
func Covers(o *v1alpha1.NamespaceAccess, resource string) bool {
	return slices.ContainsFunc(prefixes(o), func(prefix string) bool {
		length, _ := covering(prefix, resource)
		return length > 0
	})
}

func prefixes(o *v1alpha1.NamespaceAccess) []string {
	if o.Spec.Resources == nil {
		return nil
	}
	return o.Spec.Resources.Prefixes
}

// covering returns the length of a prefix that covers a resource, 0 if it does not,
// and the namespace that {namespace} stands for, empty if the prefix has none. Of
// several such names the longest counts. A trailing slash does not make a prefix
// longer.
func covering(prefix, resource string) (length int, of string) {
	head, _, templated := strings.Cut(prefix, template)
	if !templated {
		return lengthOf(prefix, resource), ""
	}
	rest, ok := strings.CutPrefix(resource, head)
	if !ok {
		return 0, ""
	}
	for end := min(len(rest), validation.DNS1123LabelMaxLength); end > 0; end-- {
		name := rest[:end]
		if len(validation.IsDNS1123Label(name)) > 0 {
			continue
		}
		if n := lengthOf(expand(prefix, name), resource); n > 0 {
			return n, name
		}
	}
	return 0, ""
}

func lengthOf(prefix, resource string) int {
	if !policy.MatchPrefix(prefix, resource) {
		return 0
	}
	return len(strings.TrimSuffix(prefix, "/"))
}
