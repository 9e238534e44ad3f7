module clientele.dev/clientele

go 1.26.0

require (
	github.com/coreos/go-oidc/v3 v3.21.0 // sign-in at upstream OpenID providers; in `clientele check`, tests and demo a verifier that is not ours
	github.com/go-jose/go-jose/v4 v4.1.9 // JWKs, and reading JWTs
	github.com/go-logr/logr v1.4.4 // from slog to what the Kubernetes libraries log with
	github.com/google/go-cmp v0.7.0 // tests: readable differences
	github.com/jackc/pgx/v5 v5.13.0 // PostgreSQL
	github.com/prometheus/client_golang v1.25.0 // metrics
	github.com/spf13/cobra v1.10.2 // subcommands and flags
	github.com/zitadel/oidc/v3 v3.52.0 // tests: an OpenID provider that is not ours
	go.yaml.in/yaml/v3 v3.0.6 // the file of local users, strictly
	golang.org/x/crypto v0.59.0 // argon2id for human passwords
	golang.org/x/crypto/x509roots/fallback v0.0.0-20261030153154-30a33513ff6d // roots of certificates, for an image without files of them
	golang.org/x/net v0.62.0 // registrable domains; tests: reading pages as a browser does
	golang.org/x/oauth2 v0.38.0 // sign-in at upstream OpenID providers; in tests a client that is not ours
	golang.org/x/sync v0.25.0 // singleflight: one fetch for all that ask at once; errgroup, in the benchmarks
	golang.org/x/term v0.48.0 // make demo: is stdin a terminal?
	golang.org/x/time v0.16.0 // token buckets: requests and audit events per address
	k8s.io/api v0.37.2 // Secrets, Namespaces, TokenReview
	k8s.io/apimachinery v0.37.2 // the types of the Kubernetes API
	k8s.io/client-go v0.37.2 // informers and requests of the server's Kubernetes adapter
	k8s.io/klog/v2 v2.140.0 // client-go logs with it; it is sent to slog
	k8s.io/streaming v0.37.2 // ports of Pods, forwarded for `clientele check`
	modernc.org/sqlite v1.62.0 // SQLite without cgo
	sigs.k8s.io/controller-runtime v0.25.2 // the operator
	sigs.k8s.io/yaml v1.6.0 // manifests, in tests and hack
)

require (
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/bmatcuk/doublestar/v4 v4.10.4 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/davecgh/go-spew v1.1.2-0.20180830191138-d8f796af33cc // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/emicklei/go-restful/v3 v3.13.0 // indirect
	github.com/evanphx/json-patch/v5 v5.9.11 // indirect
	github.com/fsnotify/fsnotify v1.9.0 // indirect
	github.com/fxamacker/cbor/v2 v2.9.1 // indirect
	github.com/go-chi/chi/v5 v5.5.0 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/go-openapi/jsonpointer v1.0.0 // indirect
	github.com/go-openapi/jsonreference v1.0.0 // indirect
	github.com/go-openapi/swag v0.27.1 // indirect
	github.com/go-openapi/swag/cmdutils v0.27.1 // indirect
	github.com/go-openapi/swag/conv v0.27.1 // indirect
	github.com/go-openapi/swag/fileutils v0.27.1 // indirect
	github.com/go-openapi/swag/jsonutils v0.27.1 // indirect
	github.com/go-openapi/swag/loading v0.27.1 // indirect
	github.com/go-openapi/swag/mangling v0.27.1 // indirect
	github.com/go-openapi/swag/netutils v0.27.1 // indirect
	github.com/go-openapi/swag/pools v0.27.1 // indirect
	github.com/go-openapi/swag/stringutils v0.27.1 // indirect
	github.com/go-openapi/swag/typeutils v0.27.1 // indirect
	github.com/go-openapi/swag/yamlutils v0.27.1 // indirect
	github.com/google/gnostic-models v0.7.0 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/gorilla/websocket v1.5.4-0.20250319132907-e064f32e3674 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/puddle/v2 v2.2.3 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/moby/spdystream v0.5.1 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.3-0.20250322232337-35a7c28c31ee // indirect
	github.com/muhlemmer/gu v0.3.1 // indirect
	github.com/muhlemmer/httpforwarded v0.1.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/pmezard/go-difflib v1.0.1-0.20181226105442-5d4384ee4fb2 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/rs/cors v1.11.1 // indirect
	github.com/spf13/pflag v1.0.10 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	github.com/zitadel/schema v1.3.2 // indirect
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/otel v1.46.0 // indirect
	go.opentelemetry.io/otel/metric v1.46.0 // indirect
	go.opentelemetry.io/otel/trace v1.46.0 // indirect
	go.yaml.in/yaml/v2 v2.4.4 // indirect
	golang.org/x/sys v0.50.0 // indirect
	golang.org/x/text v0.44.0 // indirect
	gomodules.xyz/jsonpatch/v2 v2.4.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	gopkg.in/evanphx/json-patch.v4 v4.13.0 // indirect
	gopkg.in/inf.v0 v0.9.1 // indirect
	k8s.io/apiextensions-apiserver v0.37.2 // indirect
	k8s.io/kube-openapi v0.0.0-20260721132016-d427ff9ee9ad // indirect
	k8s.io/utils v0.0.0-20260707023825-cf1189d6abe3 // indirect
	modernc.org/libc v1.80.1 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
	sigs.k8s.io/json v0.0.0-20250730193827-2d320260d730 // indirect
	sigs.k8s.io/randfill v1.0.0 // indirect
	sigs.k8s.io/structured-merge-diff/v6 v6.4.2 // indirect
)
