package stack

import (
	"errors"
	"fmt"
	"net"
)

// SamplesPort is the server's port in config/samples.
const SamplesPort = 8080

// port is a TCP port of 127.0.0.1 that is held until the process that is to
// listen there starts, so that a second stack cannot choose it too.
type port struct {
	number int
	held   net.Listener
}

func holdPort(number int) (*port, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", number))
	if err != nil {
		return nil, fmt.Errorf("hold a port: %w", err)
	}
	return &port{number: l.Addr().(*net.TCPAddr).Port, held: l}, nil
}

// release lets go of the port for the process that is started next.
func (p *port) release() { _ = p.held.Close() }

func (p *port) address() string { return fmt.Sprintf("127.0.0.1:%d", p.number) }

func (p *port) url() string { return "http://" + p.address() }

// ports are chosen before anything starts: the issuer is immutable and names
// the server's.
type ports struct{ server, serverMetrics, operatorHealth, operatorMetrics *port }

// choosePorts takes free ones for all. The server gets the preferred one if
// that is free; 0 prefers none.
func choosePorts(preferred int) (ports, error) {
	var p ports
	var errs [4]error
	if p.server, errs[0] = holdPort(preferred); errs[0] != nil {
		p.server, errs[0] = holdPort(0)
	}
	p.serverMetrics, errs[1] = holdPort(0)
	p.operatorHealth, errs[2] = holdPort(0)
	p.operatorMetrics, errs[3] = holdPort(0)
	return p, errors.Join(errs[:]...)
}
