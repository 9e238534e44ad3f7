package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"sync"
	"time"
)

// request is an HTTP/1.1 request as it goes over the wire, made once: a load
// generator that spends its core on building requests would measure itself.
type request []byte

func newRequest(host, path, basic, body string) request {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\n", path, host)
	if basic != "" {
		fmt.Fprintf(&b, "Authorization: Basic %s\r\n", basic)
	}
	fmt.Fprintf(&b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return b.Bytes()
}

// loadResult is what one run of load saw.
type loadResult struct {
	requests  int
	elapsed   time.Duration
	latencies []time.Duration // sorted
	bodySize  int             // of the last answer
}

func (r loadResult) perSecond() float64 { return float64(r.requests) / r.elapsed.Seconds() }

// quantile of the latencies; q from 0 to 1.
func (r loadResult) quantile(q float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(len(r.latencies)-1, int(q*float64(len(r.latencies))))]
}

// load sends req over a number of keep-alive connections, one request at a time
// on each, for a duration. Any answer but 200 ends it with an error.
func load(ctx context.Context, addr string, req request, connections int, d time.Duration) (loadResult, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	results := make([]loadResult, connections)
	errs := make([]error, connections)
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range connections {
		wg.Go(func() { results[i], errs[i] = loadOne(ctx, addr, req) })
	}
	wg.Wait()
	total := loadResult{elapsed: time.Since(begin)}
	for _, r := range results {
		total.requests += r.requests
		total.latencies = append(total.latencies, r.latencies...)
		total.bodySize = max(total.bodySize, r.bodySize)
	}
	slices.Sort(total.latencies)
	return total, errors.Join(errs...)
}

func loadOne(ctx context.Context, addr string, req request) (loadResult, error) {
	var r loadResult
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return r, err
	}
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 8<<10)
	for ctx.Err() == nil {
		begin := time.Now()
		if _, err := conn.Write(req); err != nil {
			return r, err
		}
		if r.bodySize, err = readAnswer(in); err != nil {
			return r, err
		}
		r.latencies = append(r.latencies, time.Since(begin))
		r.requests++
	}
	return r, nil
}

// readAnswer reads one response of known length and returns that length.
func readAnswer(in *bufio.Reader) (int, error) {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200"))
	failed := string(bytes.TrimSpace(status))
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = textproto.TrimBytes(line)
		if len(line) == 0 {
			break
		}
		if name, value, found := bytes.Cut(line, []byte(":")); found && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(textproto.TrimBytes(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("an answer without Content-Length: %s", failed)
	}
	if !ok {
		body, _ := io.ReadAll(io.LimitReader(in, int64(length)))
		return 0, fmt.Errorf("%s: %s", failed, body)
	}
	_, err = in.Discard(length)
	return length, err
}
