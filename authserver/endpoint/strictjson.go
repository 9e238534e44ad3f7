package endpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode"
)

// maxDepth is deeper than any document of ours.
const maxDepth = 16

// Members whose own members are names that people chose, in which case matters.
var mapMembers = map[string]bool{"namespace_labels": true, "client_labels": true, "matchLabels": true}

// strictUnmarshal is json.Unmarshal without what encoding/json lets through and
// two readers might read differently: repeated members (also such as differ in
// case only, for encoding/json ignores case), deep nesting, and invalid UTF-8 is
// left to the validators. Unknown members are ignored (RFC 7591, Section 2).
func strictUnmarshal(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := checkValue(d, "", 0); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return describe(json.Unmarshal(body, v))
}

// describe tells of an error what it is about and not what was sent.
func describe(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("member %s has the wrong type (%s)", wrong.Field, wrong.Value)
	}
	if err != nil {
		return errors.New("it is malformed")
	}
	return nil
}

// checkValue walks one value; name is the member that holds it.
func checkValue(d *json.Decoder, name string, depth int) error {
	t, err := d.Token()
	if err != nil {
		return errors.New("it is malformed")
	}
	delim, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	if depth == maxDepth {
		return errTooDeep
	}
	if delim == '[' {
		return checkArray(d, name, depth)
	}
	return checkObject(d, name, depth)
}

func checkArray(d *json.Decoder, name string, depth int) error {
	for d.More() {
		if err := checkValue(d, name, depth+1); err != nil {
			return err
		}
	}
	return closed(d)
}

func checkObject(d *json.Decoder, name string, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return errors.New("it is malformed")
		}
		member, _ := t.(string)
		key := member
		if !mapMembers[name] {
			key = fold(member)
		}
		if seen[key] {
			return errors.New("a member is there twice")
		}
		seen[key] = true
		if err := checkValue(d, member, depth+1); err != nil {
			return err
		}
	}
	return closed(d)
}

func closed(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return errors.New("it is malformed")
	}
	return nil
}

// fold maps names that encoding/json takes for the same to one.
func fold(s string) string {
	runes := []rune(s)
	for i, r := range runes {
		smallest := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			smallest = min(smallest, next)
		}
		runes[i] = smallest
	}
	return string(runes)
}
