package postgres

import (
	"net"
	"syscall"
	"testing"
)

// TestAServerThatVanishesIsNoticed: by the kernel, whose times are set.
func TestAServerThatVanishesIsNoticed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was said
	config, err := parse("postgres://u@" + l.Addr().String() + "/db")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := config.ConnConfig.DialFunc(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // nothing was said
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for name, option := range map[string]struct{ number, want int }{
		"TCP_USER_TIMEOUT": {tcpUserTimeout, 20_000},
		"TCP_KEEPIDLE":     {syscall.TCP_KEEPIDLE, 10},
		"TCP_KEEPINTVL":    {syscall.TCP_KEEPINTVL, 5},
		"TCP_KEEPCNT":      {syscall.TCP_KEEPCNT, 3},
	} {
		var got int
		if err := raw.Control(func(fd uintptr) { got, _ = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, option.number) }); err != nil || got != option.want {
			t.Errorf("%s is %d, want %d (%v)", name, got, option.want, err)
		}
	}
}
