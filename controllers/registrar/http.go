package registrar

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"clientele.dev/clientele/authserver/oauth"
)

const (
	// maxBody bounds an answer; a page of the inventory is the largest.
	maxBody = 16 << 20
	// maxText bounds what of a server's words gets into a condition.
	maxText = 300
	// maxRetryAfter bounds what a server may ask for.
	maxRetryAfter = time.Hour
)

// call is one request.
type call struct {
	method string
	url    string
	// body is sent as JSON; nil: none.
	body any
	// into takes the JSON of a success; nil: the body is ignored.
	into any
	// anonymous sends no token.
	anonymous bool
	// timeout overrides the usual one.
	timeout time.Duration
}

// do carries out a call and returns the status of a success (2xx). Everything
// else is an error of this package.
func (s *Server) do(ctx context.Context, c call) (int, error) {
	by := s.transport.Load()
	if by.err != nil {
		return 0, by.err
	}
	ctx, cancel := context.WithTimeout(ctx, orDefault(c.timeout, s.options.Timeout))
	defer cancel()
	req, token, err := s.request(ctx, c)
	if err != nil {
		return 0, err
	}
	res, err := by.http.Do(req)
	if err != nil {
		return 0, unreachable(err)
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		if res.StatusCode == http.StatusUnauthorized {
			s.bearer.drop(token)
		}
		return res.StatusCode, s.statusError(res)
	}
	return res.StatusCode, readJSON(res.Body, c.into)
}

func (s *Server) request(ctx context.Context, c call) (*http.Request, string, error) {
	if err := checkSecure(c.url); err != nil {
		return nil, "", err
	}
	var body io.Reader
	if c.body != nil {
		text, err := json.Marshal(c.body)
		if err != nil {
			return nil, "", fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, body)
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	req.Header.Set("Accept", "application/json")
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.anonymous {
		return req, "", nil
	}
	token, err := s.bearer.get(ctx)
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return req, token, nil
}

// unreachable says in short why there was no answer. The words of net/http name
// the URL and no header.
func unreachable(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("%w: no answer in time: %w", ErrUnreachable, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

func readJSON(r io.Reader, into any) error {
	body, err := io.ReadAll(io.LimitReader(r, maxBody+1))
	if err != nil {
		return unreachable(err)
	}
	if len(body) > maxBody {
		return fmt.Errorf("%w: longer than %d bytes", ErrGarbage, maxBody)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: not the JSON that was expected", ErrGarbage)
	}
	return nil
}

func (s *Server) statusError(res *http.Response) *StatusError {
	e := &StatusError{Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), s.options.Now())}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return e
	}
	var words struct {
		Code        oauth.Code `json:"error"`
		Description string     `json:"error_description"`
		Counter     int64      `json:"clientele_counter"`
	}
	if json.Unmarshal(body, &words) != nil {
		return e
	}
	e.Code, e.Description, e.Counter = oauth.Code(clip(string(words.Code))), clip(words.Description), words.Counter
	return e
}

// clip makes a server's words fit for a condition: short, on one line.
func clip(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7E {
			return -1
		}
		return r
	}, s)
	return clean[:min(len(clean), maxText)]
}

// retryAfter reads seconds or a date (RFC 9110, Section 10.2.3).
func retryAfter(value string, now time.Time) time.Duration {
	var d time.Duration
	if seconds, err := strconv.Atoi(value); err == nil {
		d = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// checkSecure allows https, and http on loopback (RFC 8252, Section 7.3 has the
// same exception).
func checkSecure(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return fmt.Errorf("%w: %s", ErrInsecure, clip(raw))
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	loopback := host == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme == "https" || u.Scheme == "http" && loopback {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrInsecure, clip(raw))
}

func trimSlash(s string) string { return strings.TrimRight(s, "/") }
