package stack

import (
	"fmt"
	"strings"
	"testing"

	"clientele.dev/clientele/authserver/signin"
)

func TestDemoUserIsOneThatTheServerTakes(t *testing.T) {
	u := DemoUser{Name: demoUserName, Password: "correct horse"}
	document, err := u.document()
	if err != nil {
		t.Fatal(err)
	}
	directory, err := signin.ParseDirectory([]byte(document))
	if err != nil || directory.Len() != 1 {
		t.Fatalf("%d users, %v", directory.Len(), err)
	}
	if shown := fmt.Sprintf("%v %+v %#v %s", u, u, u, document); strings.Contains(shown, "correct horse") {
		t.Errorf("the password is shown: %s", shown)
	}
}
