package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// maxDepth is deeper than any document of ours.
const maxDepth = 16

var (
	errMalformed = errors.New("it is malformed")
	errTwice     = errors.New("a member is there twice")
)

// memberError says which member has the wrong type, by the names that it has in
// JSON and without what was sent.
type memberError struct {
	member string // such as clientele_managed.owner.uid; empty: the document
	want   string
}

func (e *memberError) Error() string {
	if e.member == "" {
		return "it must be " + e.want
	}
	return e.member + " must be " + e.want
}

// strictUnmarshal is json.Unmarshal of an object without what encoding/json lets
// through and two readers might read differently: repeated members, names in
// another case, deep nesting; invalid UTF-8 is left to the validators. Unknown
// members are ignored (RFC 7591, Section 2), and a known name in another case is
// unknown. The error is a *memberError where a member has the wrong type.
func strictUnmarshal(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := checkValue(d, 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return decode(body, reflect.ValueOf(v).Elem(), "")
}

// checkValue walks one value.
func checkValue(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return errMalformed
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return errTooDeep
	}
	seen := map[string]bool{}
	for d.More() {
		if delim == '{' {
			if err := checkMember(d, seen); err != nil {
				return err
			}
		}
		if err := checkValue(d, depth+1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return errMalformed
	}
	return nil
}

func checkMember(d *json.Decoder, seen map[string]bool) error {
	t, err := d.Token()
	if err != nil {
		return errMalformed
	}
	name, _ := t.(string)
	if seen[name] {
		return errTwice
	}
	seen[name] = true
	return nil
}

// decode reads one value, which checkValue found to be well-formed, into v. null is
// as good as nothing.
func decode(raw []byte, v reflect.Value, member string) error {
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decode(raw, v.Elem(), member)
	case reflect.Struct:
		return decodeObject(raw, v, member)
	case reflect.Slice:
		return decodeList(raw, v, member)
	}
	if json.Unmarshal(raw, v.Addr().Interface()) != nil {
		return &memberError{member, wanted(v.Type())}
	}
	return nil
}

func decodeObject(raw []byte, v reflect.Value, at string) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return &memberError{at, wanted(v.Type())}
	}
	return decodeMembers(members, v, at)
}

func decodeMembers(members map[string]json.RawMessage, v reflect.Value, at string) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		var err error
		if raw, there := members[name]; there && name != "" {
			err = decode(raw, v.Field(i), below(at, name))
		} else if field.Anonymous && name == "" {
			err = decodeMembers(members, v.Field(i), at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func decodeList(raw []byte, v reflect.Value, member string) error {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return &memberError{member, wanted(v.Type())}
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := decode(item, list.Index(i), member+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func below(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// wanted says what a value must be.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.String {
			return "a list of strings"
		}
		return "a list of objects"
	case reflect.Map:
		return "an object whose members are strings"
	case reflect.Struct:
		return "an object"
	}
	return "a whole number"
}
