package storetest

import (
	"reflect"
	"slices"
	"testing"

	"clientele.dev/clientele/authserver/store"
)

// uncounted are the methods that no operation calls whose statements are compared with
// those of the bare store: they end things, or list them for a page.
var uncounted = []string{
	"ClearAttempts", "ConsentsOf", "EndSession", "FamiliesOf", "Holdings", "PeopleNamed", "PutPushedRequest",
	"PutSession", "RevokeFamilies", "RevokeToken", "SessionsOf", "SignOut", "SignOuts", "TakePushedRequest", "WithdrawConsents", "Attempts",
}

// A method that is forgotten would be missing in the ceiling.
func TestEveryMethodIsCountedOrNot(t *testing.T) {
	flows := reflect.TypeFor[store.Flows]()
	for i := range flows.NumMethod() {
		name := flows.Method(i).Name
		c := &Counting{} // on no store: what is counted is so before that is asked
		called(reflect.ValueOf(c).MethodByName(name))
		if counted := c.Calls()[name] == 1; counted == slices.Contains(uncounted, name) {
			t.Errorf("%s: counted %v", name, counted)
		}
	}
}

func called(method reflect.Value) {
	defer func() { _ = recover() }()
	var arguments []reflect.Value
	for i := range method.Type().NumIn() {
		arguments = append(arguments, reflect.Zero(method.Type().In(i)))
	}
	method.Call(arguments)
}
