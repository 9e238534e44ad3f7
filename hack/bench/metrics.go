package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// samples are Prometheus samples: series, as "name{labels}", to value.
type samples map[string]float64

// scrape reads a metrics page in the text format of Prometheus.
func scrape(ctx context.Context, c *http.Client, url string) (samples, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	s := samples{}
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series, value, found := cutLast(strings.TrimSpace(line), ' ')
		if n, err := strconv.ParseFloat(value, 64); found && err == nil {
			s[series] = n
		}
	}
	return s, nil
}

// sum adds up the samples of a metric whose labels hold every one of the given
// `name="value"` pairs.
func (s samples) sum(metric string, labels ...string) float64 {
	total := 0.0
	for series, value := range s {
		name, rest, _ := strings.Cut(series, "{")
		if name != metric {
			continue
		}
		all := true
		for _, label := range labels {
			all = all && strings.Contains(rest, label)
		}
		if all {
			total += value
		}
	}
	return total
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
