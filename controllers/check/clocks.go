package check

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// skewWarned is from where on the clocks of two machines are worth a look.
	skewWarned = 5 * time.Second
	// skewFailed is from where on tokens are refused: verifiers allow a minute at most.
	skewFailed = 30 * time.Second
)

// skew is how far another clock is ahead, which wrote a Date header (to the second) for
// a request that began here at some time and took a while.
func skew(date, began time.Time, took time.Duration) time.Duration {
	// The header is cut off to the second: on average half of one is missing.
	return date.Add(500 * time.Millisecond).Sub(began.Add(took / 2))
}

// checkServerClock compares the clock of a server that answered with the API server's.
func (k *checker) checkServerClock(s *server, answer http.Header) {
	date, err := http.ParseTime(answer.Get("Date"))
	if err != nil {
		return
	}
	what := fmt.Sprintf("clock of AuthorizationServer %s", s)
	ahead := date.Add(500 * time.Millisecond).Sub(k.now())
	node := "timedatectl timesync-status"
	switch {
	case ahead.Abs() >= skewFailed:
		k.fail(checkClocks, what, fmt.Sprintf("it is %s the API server's: tokens are refused elsewhere, or live too long; synchronize the clock of its node", offset(ahead)), node)
	case ahead.Abs() >= skewWarned:
		k.warn(checkClocks, what, fmt.Sprintf("it is %s the API server's; synchronize the clock of its node", offset(ahead)), node)
	default:
		k.ok(checkClocks, what, "as the API server's")
	}
}

// checkClocks compares this machine's clock with the API server's.
func (k *checker) checkClocks() {
	const what = "clock of this machine"
	if k.ahead.Abs() >= skewWarned {
		k.warn(checkClocks, what, fmt.Sprintf("it is %s the API server's; one of them is wrong", offset(-k.ahead)), "timedatectl timesync-status")
		return
	}
	k.ok(checkClocks, what, "as the API server's")
}

func offset(ahead time.Duration) string {
	if ahead < 0 {
		return ahead.Abs().Round(time.Second).String() + " behind"
	}
	return ahead.Round(time.Second).String() + " ahead of"
}
