// Package fieldtest, for tests only, changes every field of a value in turn. It
// is how a test notices that a new field was forgotten in a digest, a MAC or a
// stored record.
package fieldtest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// Each calls check once for every field reachable from the value that ptr points
// to, with the field changed and its path (like Managed.Owner.UID), and puts the
// field back afterwards. Of lists and maps, both their elements and their length
// are changed. A field that has its zero value fails the test: it could not be
// told from one that is not looked at.
func Each(t *testing.T, ptr any, check func(path string)) {
	t.Helper()
	root := reflect.ValueOf(ptr).Elem()
	walk(t, root.Type().Name(), root, check)
}

// Digest holds a digest of the value that ptr points to against Each: every field
// changes it, each in its own way, but for those whose paths are in excluded, which
// do not.
func Digest(t *testing.T, ptr any, digest func() string, excluded ...string) {
	t.Helper()
	base := digest()
	seen := map[string]string{base: "nothing"}
	left := slices.Clone(excluded)
	Each(t, ptr, func(path string) {
		got := digest()
		if slices.Contains(excluded, path) {
			if got != base {
				t.Errorf("%s changes the digest", path)
			}
			left = slices.DeleteFunc(left, func(p string) bool { return p == path })
			return
		}
		if other, ok := seen[got]; ok {
			t.Errorf("changing %s gives the same digest as changing %s", path, other)
		}
		seen[got] = path
	})
	if len(left) > 0 {
		t.Errorf("never visited: %v", left)
	}
}

func walk(t *testing.T, path string, v reflect.Value, check func(path string)) {
	t.Helper()
	if v.Kind() != reflect.Struct && v.IsZero() {
		t.Errorf("%s has its zero value in the test's full value; fill it in", path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			walk(t, path+"."+v.Type().Field(i).Name, v.Field(i), check)
		}
	case reflect.Pointer:
		try(v, reflect.Zero(v.Type()), path+"=nil", check)
		walk(t, path, v.Elem(), check)
	case reflect.Slice:
		try(v, v.Slice(0, v.Len()-1), path+"[shorter]", check)
		for i := range v.Len() {
			walk(t, fmt.Sprintf("%s[%d]", path, i), v.Index(i), check)
		}
	case reflect.Map:
		walkMap(path, v, check)
	default:
		try(v, changed(t, path, v), path, check)
	}
}

// walkMap changes maps from string to string.
func walkMap(path string, v reflect.Value, check func(path string)) {
	for _, key := range v.MapKeys() {
		old := v.MapIndex(key)
		v.SetMapIndex(key, reflect.ValueOf(old.String()+"x"))
		check(path + "[" + key.String() + "]")
		v.SetMapIndex(key, reflect.Value{})
		check(path + "[-" + key.String() + "]")
		v.SetMapIndex(key, old)
	}
}

func changed(t *testing.T, path string, v reflect.Value) reflect.Value {
	t.Helper()
	n := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		n.SetString(v.String() + "x")
	case reflect.Int, reflect.Int64:
		n.SetInt(v.Int() + 1)
	case reflect.Bool:
		n.SetBool(!v.Bool())
	default:
		t.Fatalf("%s: fieldtest cannot change a %s; teach it", path, v.Kind())
	}
	return n
}

func try(v, value reflect.Value, path string, check func(path string)) {
	old := reflect.New(v.Type()).Elem()
	old.Set(v)
	v.Set(value)
	check(path)
	v.Set(old)
}
