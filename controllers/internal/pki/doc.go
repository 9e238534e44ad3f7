// Package pki plans the certificates of Managed authorization servers: a CA of each
// server's own, the certificate that the CA signs, and what clients trust. It judges the
// certificates that others provide. It is pure: contents of Secrets go in, contents of
// Secrets come out.
//
// Three objects belong together; X is clientele-<name of the server>:
//
//   - Secret X-ca holds the authorities with their private keys (see [Set]).
//   - ConfigMap X-ca holds the bundle: the certificates of the authorities. Clients
//     trust it and read it again from time to time.
//   - Secret X-tls holds the serving certificate with its key.
//
// The promise: a client that verifies the serving certificate with a bundle that is at
// most caOverlap old succeeds. [Make] says what it takes.
package pki
