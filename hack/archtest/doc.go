// Package archtest holds the imports of the product against the arrows that it
// was designed with, so that the architecture is not a wish. It has only a test.
package archtest
