package keys

import "time"

// Plan is being written.
func Plan(set Set, cfg Schedule, now time.Time, obs Observation) (Set, []Event, time.Time, error) {
	return set, nil, now.Add(time.Minute), cfg.validate()
}
