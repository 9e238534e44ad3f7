// Command hello stands for the product in tests of two platforms: it compiles fast.
package main

import "fmt"

var buildVersion string

func main() { fmt.Println(buildVersion) }
