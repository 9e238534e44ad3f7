package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"time"
)

// answerTimeout ends a connection whose server does not answer.
const answerTimeout = 30 * time.Second

// request is an HTTP/1.1 request as it goes over the wire: a load generator that
// spends its core on building requests would measure itself.
type request []byte

// post is a form; basic, unless empty, authenticates.
func post(host, path, basic, body string) request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\n", path, host)
	if basic != "" {
		fmt.Fprintf(&b, "Authorization: Basic %s\r\n", basic)
	}
	fmt.Fprintf(&b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return b.Bytes()
}

// get is what a browser with cookies sends.
func get(host, path, cookies string) request {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n", path, host, cookies)
}

// conn is a keep-alive connection. What it keeps is of the last answer.
type conn struct {
	net.Conn
	in       *bufio.Reader
	location string
	body     []byte
}

func dial(addr string) (*conn, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: bufio.NewReaderSize(c, 16<<10)}, nil
}

// want sends a request and reads an answer, which must have a status.
func (c *conn) want(req request, status int) error {
	got, err := c.send(req)
	if err == nil && got != status {
		err = fmt.Errorf("answered %d, want %d: %s", got, status, c.body)
	}
	return err
}

// send a request and read its answer.
func (c *conn) send(req request) (status int, err error) {
	if err := c.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return 0, err
	}
	if _, err := c.Write(req); err != nil {
		return 0, err
	}
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("no HTTP answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length, err := c.readHeader()
	if err != nil {
		return status, err
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	_, err = io.ReadFull(c.in, c.body)
	return status, err
}

// readHeader reads what is wanted of the header: Location and the body's length.
func (c *conn) readHeader() (length int, err error) {
	c.location, length = "", -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = textproto.TrimBytes(line)
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(textproto.TrimBytes(value))); err != nil {
				return 0, err
			}
		case bytes.EqualFold(name, []byte("Location")):
			c.location = string(textproto.TrimBytes(value))
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("an answer without Content-Length")
	}
	return length, nil
}
