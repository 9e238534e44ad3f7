package pgtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// StartTCP is Start of a server that is also reached at Address.
func StartTCP(ctx context.Context, settings ...string) (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	free := uint16(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		return nil, err
	}
	return initialize(ctx, &Server{port: free, settings: append(settings, "listen_addresses=127.0.0.1")})
}

// Address of a server that StartTCP started.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Secure makes the server speak TLS, with a certificate and key in PEM form.
func (s *Server) Secure(ctx context.Context, certificate, key []byte) error {
	return errors.Join(s.put("server.crt", certificate), s.put("server.key", key),
		s.set(ctx, "ssl_cert_file", filepath.Join(s.dir, "server.crt")), s.set(ctx, "ssl_key_file", filepath.Join(s.dir, "server.key")),
		s.set(ctx, "ssl", "on"), s.reload(ctx))
}

// Unsecure ends that.
func (s *Server) Unsecure(ctx context.Context) error {
	return errors.Join(s.set(ctx, "ssl", "off"), s.reload(ctx))
}

// Access puts lines of pg_hba.conf after one that lets in the superuser over the
// socket.
func (s *Server) Access(ctx context.Context, lines ...string) error {
	lines = append([]string{"local all " + superuser + " trust"}, lines...)
	return errors.Join(s.put("data/pg_hba.conf", []byte(strings.Join(lines, "\n")+"\n")), s.reload(ctx))
}

// put a file into the server's directory, where only its account may read it.
func (s *Server) put(name string, content []byte) error {
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil || s.as == nil {
		return err
	}
	return os.Chown(path, int(s.as.Uid), int(s.as.Gid))
}

func (s *Server) set(ctx context.Context, setting, value string) error {
	return s.Exec(ctx, "", "ALTER SYSTEM SET "+setting+" = '"+value+"'")
}

// reload the settings, and wait until new connections go by them.
func (s *Server) reload(ctx context.Context) error {
	before, err := s.ask(ctx, `SELECT pg_conf_load_time()::text`)
	if err != nil {
		return err
	}
	if err := s.Exec(ctx, "", `SELECT pg_reload_conf()`); err != nil {
		return err
	}
	return s.until(ctx, `SELECT (pg_conf_load_time() > '`+before+`')::text`)
}

// Authority issues certificates.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority that nobody trusts yet.
func NewAuthority() (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		return nil, err
	}
	a := &Authority{key: key, certificate: &x509.Certificate{
		Subject: pkix.Name{CommonName: "pgtest"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}}
	der, err := a.sign(a.certificate, key)
	if err != nil {
		return nil, err
	}
	a.certificate, err = x509.ParseCertificate(der)
	return a, err
}

// PEM is the authority's certificate, for sslrootcert.
func (a *Authority) PEM() []byte { return block("CERTIFICATE", a.certificate.Raw) }

// Issue a server's certificate and key in PEM form, for a name or address.
func (a *Authority) Issue(host string) (certificate, key []byte, err error) {
	own, err := ecdsa.GenerateKey(elliptic.P256(), nil)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := a.sign(template, own)
	if err != nil {
		return nil, nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(own)
	return block("CERTIFICATE", der), block("PRIVATE KEY", pkcs8), err
}

// sign for as long as these tests may live.
func (a *Authority) sign(template *x509.Certificate, key *ecdsa.PrivateKey) ([]byte, error) {
	template.SerialNumber = big.NewInt(1)
	template.NotBefore, template.NotAfter = time.Unix(0, 0), time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC)
	return x509.CreateCertificate(nil, template, a.certificate, key.Public(), a.key)
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
