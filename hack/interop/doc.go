// Package interop holds the server against the programs that people use it with:
//
//	flow_test.go                  a person in Chromium: sign-in, consent, account, signing out
//	pages_test.go                 what every page is held to: accessibility, no sideways scroll, pictures
//	form_test.go                  keyboard only, without JavaScript, form_post
//	spa_test.go                   an app that is nothing but a page of another origin
//	samples_test.go, curl_test.go the Node and Python samples of a guide to such servers, and the curl lines of two
//	strict_test.go                openid-client and oauth4webapi
//	mcp_test.go                   a client and a server of the Model Context Protocol's Go SDK
//
// The server is the real one, with a real store, started by authserver/authtest.
// Chromium reaches it over https by a name of its own, as https://login.example
// (gateway_test.go), and the apps by others, so that origins, cookies and
// policies are those of real life. Whatever Chromium complains of on any page
// fails the test (watch_test.go).
//
// What must be installed is in needs_test.go; what comes from npm is pinned in
// testdata/node and unpacked into .cache/interop. Every page is photographed in
// light, dark and on a small screen: the pictures are in hack/interop/artifacts,
// or in the folder that $ARTIFACTS names.
package interop
