package store

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden files of the present versions")

// fill every field, however deep, with a value of its own: a field that is added
// and not encoded, or encoded without a new version, is a red test.
func fill(v reflect.Value, n *int) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			*n++
			v.Set(reflect.ValueOf(time.Unix(1_900_000_000+int64(*n), 0).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		*n++
		v.SetString(fmt.Sprintf("text-%d", *n))
	case reflect.Int64, reflect.Int:
		*n++
		v.SetInt(int64(*n))
	case reflect.Uint8:
		*n++
		v.SetUint(uint64(*n % 256))
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("fill knows no " + v.Kind().String())
	}
}

func filledClient() Client {
	var c Client
	fill(reflect.ValueOf(&c).Elem(), new(int))
	return c
}

func filledPolicy() Policy {
	var p Policy
	fill(reflect.ValueOf(&p).Elem(), new(int))
	return p
}

func filled[T any]() T {
	var v T
	fill(reflect.ValueOf(&v).Elem(), new(int))
	return v
}

// must gives the error in place of the value: the comparison shows it.
func must[T any](v T, err error) any {
	if err != nil {
		return err
	}
	return v
}

// Set by the store, not part of the record.
var outside = cmp.Options{
	cmpopts.IgnoreFields(Client{}, "Tampered", "Revision"),
	cmpopts.IgnoreFields(Policy{}, "Tampered", "Revision"),
}

func TestRecords(t *testing.T) {
	client, p := filledClient(), filledPolicy()
	code, family, session := filled[Code](), filled[Family](), filled[Session]()
	tests := []struct {
		kind    string
		version int
		encode  func() ([]byte, error)
		read    func(record []byte) any
		want    any
	}{
		{"client", clientVersion, client.Encode, func(b []byte) any { return must(DecodeClient(b)) }, client},
		{"policy", policyVersion, p.Encode, func(b []byte) any { return must(DecodePolicy(b)) }, p},
		{"code", codeVersion, code.Encode, func(b []byte) any { return must(DecodeCode(code.Hash, b)) }, code},
		{"family", familyVersion, family.Encode, func(b []byte) any {
			return must(DecodeFamily(family.ID, family.Generation, family.Revoked.Unix(), b))
		}, family},
		{"session", sessionVersion, session.Encode, func(b []byte) any {
			return must(DecodeSession(session.ID, session.Hash, session.Seen.Unix(), b))
		}, session},
	}
	for _, test := range tests {
		t.Run(test.kind, func(t *testing.T) {
			record, err := test.encode()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, test.kind, test.version, record)
			if diff := cmp.Diff(test.want, test.read(record), outside); diff != "" {
				t.Errorf("a field is lost on the way through the record (-want +got):\n%s", diff)
			}
		})
	}
}

func golden(t *testing.T, kind string, version int, record []byte) {
	t.Helper()
	var indented bytes.Buffer
	if err := json.Indent(&indented, record, "", "  "); err != nil {
		t.Fatal(err)
	}
	indented.WriteByte('\n')
	path := filepath.Join("testdata", fmt.Sprintf("%s_v%d.json", kind, version))
	if *update {
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: a new version needs a golden file: go test ./authserver/store -update", err)
	}
	if diff := cmp.Diff(string(want), indented.String()); diff != "" {
		t.Errorf("the record changed: raise %sVersion in records.go, keep reading the version before, and run go test ./authserver/store -update (-want +got):\n%s", kind, diff)
	}
}

// TestOldRecordsAreRead: every golden file, of whatever version, is still read.
func TestOldRecordsAreRead(t *testing.T) {
	files, err := filepath.Glob("testdata/*_v*.json")
	if err != nil || len(files) < 2 {
		t.Fatalf("golden files %v, %v", files, err)
	}
	for _, file := range files {
		record, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(filepath.Base(file), "_")
		switch kind {
		case "client":
			_, err = DecodeClient(record)
		case "policy":
			_, err = DecodePolicy(record)
		case "code":
			_, err = DecodeCode("hash", record)
		case "family":
			_, err = DecodeFamily("id", 1, 0, record)
		case "session":
			_, err = DecodeSession("id", "hash", 0, record)
		default:
			t.Errorf("%s: a record of which kind?", file)
		}
		if err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestFamilyEnds(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	for _, test := range []struct {
		name string
		f    Family
		want int64
	}{
		{"absolutely", Family{Expires: at(10)}, 10},
		{"unused", Family{Expires: at(10), IdleExpires: at(7)}, 7},
		{"absolutely, before it would be unused", Family{Expires: at(10), IdleExpires: at(12)}, 10},
		{"revoked", Family{Expires: at(10), IdleExpires: at(7), Revoked: at(3)}, 3},
		{"revoked when it had ended", Family{Expires: at(10), Revoked: at(20)}, 10},
	} {
		if got := test.f.Ends(); got != test.want {
			t.Errorf("%s: ends at %d, want %d", test.name, got, test.want)
		}
	}
}
