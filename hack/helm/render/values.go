package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// describeValues returns a row of the table for every value that has a comment. Every
// value must have one, or be part of one that has.
func describeValues(text []byte) ([]string, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("values.yaml: %w", err)
	}
	return describe("", doc.Content[0])
}

func describe(path string, m *yaml.Node) (rows []string, err error) {
	for i := 0; i < len(m.Content); i += 2 {
		key, value := m.Content[i], m.Content[i+1]
		name := strings.TrimPrefix(path+"."+key.Value, ".")
		switch comment := comment(key); {
		case comment != "":
			fallback, err := compact(value)
			if err != nil {
				return nil, fmt.Errorf("values.yaml, %s: %w", name, err)
			}
			rows = append(rows, fmt.Sprintf("| `%s` | `%s` | %s |\n", name, fallback, comment))
		case value.Kind == yaml.MappingNode && len(value.Content) > 0:
			below, err := describe(name, value)
			if err != nil {
				return nil, err
			}
			rows = append(rows, below...)
		default:
			return nil, fmt.Errorf("values.yaml, line %d: %s has no comment that says what it is", key.Line, name)
		}
	}
	return rows, nil
}

// comment is the one above the key. One that an empty line parts from it, as the one at
// the head of the file, is not about it.
func comment(key *yaml.Node) string {
	paragraphs := strings.Split(key.HeadComment, "\n\n")
	var words []string
	for line := range strings.Lines(paragraphs[len(paragraphs)-1]) {
		words = append(words, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#")))
	}
	return strings.ReplaceAll(strings.Join(words, " "), "|", `\|`)
}

// compact is a value on one line, as JSON, which is YAML too.
func compact(value *yaml.Node) (string, error) {
	var v any
	if err := value.Decode(&v); err != nil {
		return "", err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return strings.TrimSpace(out.String()), err
}
