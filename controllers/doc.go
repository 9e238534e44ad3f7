// Package controllers is the operator: it puts every controller into one
// manager and runs it. Each controller is a package of its own below.
//
// # Events
//
// On the happy path there are none. A condition that turns to a failing reason, or
// recovers, is told once it has stayed so for five seconds, with the condition's
// reason; what the operator did is told at once. Each controller's events.go has the
// list, package internal/notice the rules and the budget.
//
// # Metrics
//
// Beside those of controller-runtime, at /metrics. Label server is
// `<namespace>/<name>` of an AuthorizationServer; no label has a name that an app
// team chose. Gauges are read off the caches when they are asked for, at the leader
// only: a standby has none, so that sums are right.
//
//	clientele_oauthclients{server,ready,reason}                   by condition Ready
//	clientele_scopepolicies{server,ready,reason}                  by condition Ready
//	clientele_authorizationserver_condition{server,condition,status,reason}
//	                                                              1 for each as it is
//	clientele_oauthclient_ready_seconds                           histogram: created until first Ready
//	clientele_client_registrations_total{cause,outcome}           cause new, changed, lost; outcome Accepted or a reason of Ready
//	clientele_client_deregistrations_total{outcome}               Deregistered or a reason of Ready
//	clientele_client_secret_rotations_total{cause}                annotation, schedule
//	clientele_credentials_repairs_total{cause}                    deleted, edited
//	clientele_tombstones{server,reason}                           deleted OAuthClients not deregistered yet, by what they wait for
//	clientele_tombstones_oldest_timestamp_seconds{server}         since when, as far as this process knows
//	clientele_deregistration_brake_engaged{server}                1 while mass deletion is held back
//	clientele_signing_keys{server,algorithm,phase}
//	clientele_signing_keys_next_rotation_timestamp_seconds{server}
//	clientele_events_dropped_total                                events beyond the budget
package controllers
