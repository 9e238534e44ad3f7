package authserver

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// newMetrics makes the registry of this process's metrics: what the endpoints
// count, and what can be read off the server's state.
func newMetrics(s *Server) *prometheus.Registry {
	r := prometheus.NewRegistry()
	gauge := func(name, help string, read func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read)
	}
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "clientele_store_writes_total",
			Help: "Write transactions at the store. Issuing a machine token makes none.",
		}, func() float64 { return float64(s.options.Store.Writes()) }),
		gauge("clientele_clients", "Registered clients of registrars.",
			func() float64 { return float64(s.registry.Counts().Managed) }),
		gauge("clientele_self_registered_clients", "Clients that registered themselves.",
			func() float64 { return float64(s.registry.Counts().SelfRegistered) }),
		gauge("clientele_policies", "Scope policies in force.",
			func() float64 { return float64(s.registry.Counts().Policies) }),
		gauge("clientele_tampered_records", "Stored records that this server did not write as they are, and does not serve.",
			func() float64 { return float64(s.registry.Counts().Tampered) }),
		gauge("clientele_store_complete", "0 while a registrar is still registering the clients of a store that began empty; unknown clients are answered 503.",
			func() float64 { return oneIf(s.registry.Complete()) }),
		gauge("clientele_store_revision", "Revision of the store that is served.",
			func() float64 { return float64(s.registry.Revision()) }),
		gauge("clientele_store_confirmed_timestamp_seconds", "When the view of the store was last confirmed.",
			func() float64 { return float64(s.registry.Confirmed().Unix()) }),
		gauge("clientele_ready", "1 while /readyz answers 200.",
			func() float64 { return oneIf(len(s.health.Missing()) == 0) }),
		gauge("clientele_issuing", "1 while tokens are issued here: 0 also while the database is away, when /readyz still answers 200.",
			func() float64 { return oneIf(s.health.issuing(s.options.Now())) }),
		buildInfo(s.options.Version),
		signingKeys{s},
		storageState{s},
	)
	return r
}

func buildInfo(version string) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "clientele_build_info", Help: "1, with the version of the program.",
		ConstLabels: prometheus.Labels{"version": version},
	}, func() float64 { return 1 })
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// storageState tells how it goes with the storage.
type storageState struct{ server *Server }

func storageInfo() *prometheus.Desc {
	return prometheus.NewDesc("clientele_storage_state", "1 for the state of the storage: Available, AlmostFull, RestartNeeded, Full, Unreachable or Refused.",
		[]string{"state"}, nil)
}

// Describe implements prometheus.Collector.
func (storageState) Describe(c chan<- *prometheus.Desc) { c <- storageInfo() }

// Collect implements prometheus.Collector.
func (k storageState) Collect(c chan<- prometheus.Metric) {
	if report, _ := k.server.health.storage.get(); report != nil {
		c <- prometheus.MustNewConstMetric(storageInfo(), prometheus.GaugeValue, 1, string(report.State))
	}
}

// signingKeys tells of the signing keys that are served; never their private part.
type signingKeys struct{ server *Server }

func keyInfo() *prometheus.Desc {
	return prometheus.NewDesc("clientele_signing_key_info", "The signing keys that are served.",
		[]string{"kid", "algorithm", "phase"}, nil)
}

// Describe implements prometheus.Collector.
func (signingKeys) Describe(c chan<- *prometheus.Desc) { c <- keyInfo() }

// Collect implements prometheus.Collector.
func (k signingKeys) Collect(c chan<- prometheus.Metric) {
	v := k.server.health.View()
	if v == nil {
		return
	}
	for _, key := range v.Signing.Keys {
		c <- prometheus.MustNewConstMetric(keyInfo(), prometheus.GaugeValue, 1, key.KID, key.Algorithm, string(key.Phase))
	}
}
