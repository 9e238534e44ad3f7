package web

import (
	"fmt"
	"strings"
	"time"
)

// durationWords is a duration in the largest unit that it is at least two of, or
// exactly one of: "15 minutes", "30 days", "36 hours".
func durationWords(d time.Duration) string {
	units := []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}}
	for _, u := range units {
		if n := int64(d / u.of); n >= 2 || n == 1 && d%u.of == 0 {
			return count(n, u.name)
		}
	}
	return count(int64(d/time.Second), "second")
}

func count(n int64, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// Times are shown in UTC, and say so: without a script a page cannot know where
// its reader is.
func dayWords(t time.Time) string    { return t.UTC().Format("2 January 2006") }
func momentWords(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }
func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// browserWords makes "Firefox on Linux" of a User-Agent. Order matters: most
// browsers name those before them.
func browserWords(agent string) string {
	find := func(pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if strings.Contains(agent, pairs[i]) {
				return pairs[i+1]
			}
		}
		return ""
	}
	browser := find("Edg", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "FxiOS/", "Firefox",
		"Chrome/", "Chrome", "CriOS/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := find("Windows", "Windows", "Android", "Android", "iPhone", "iPhone", "iPad", "iPad",
		"Mac OS X", "macOS", "CrOS", "ChromeOS", "Linux", "Linux")
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser+system != "":
		return browser + system
	}
	return "A browser"
}
