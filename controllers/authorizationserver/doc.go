// Package authorizationserver makes an AuthorizationServer of type Unmanaged
// usable and tells how it is: whether the operator reaches it as its registrar,
// which endpoints and signing keys it has, and how much it holds.
//
// The inventory loop of package registrar speaks to the server; this package only
// reads what it knows, makes the server-keys Secret where there is none, and
// writes the status. No controller but this one writes it.
package authorizationserver
