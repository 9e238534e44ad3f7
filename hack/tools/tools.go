// Package tools holds no code: its go.mod pins the tools.
package tools
