package registrar

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"
)

// The address of a Pod that is gone answers nothing. The operator must not wait for it as
// long as for an answer: meanwhile the server's successor has an empty store, and its
// clients get 503 (O20).
func TestO20AnAddressThatAnswersNothingIsGivenUpSoon(t *testing.T) {
	c, err := newHTTPClient(nil, "")
	if err != nil {
		t.Fatal(err)
	}
	c.Timeout = 30 * time.Second // so that the test ends where there is no limit
	begin := time.Now()
	resp, err := c.Get("http://" + silent(t))
	if err == nil {
		resp.Body.Close()
		t.Fatal("the address answered")
	}
	if took := time.Since(begin); took < dialTimeout/2 || took > 5*dialTimeout {
		t.Errorf("given up after %s, want %s: %v", took, dialTimeout, err)
	}
}

// silent is an address at which the kernel drops new connections, because the queue of
// those that wait to be accepted is full.
func silent(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address // the queue is full
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
}
