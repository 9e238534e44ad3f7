// Command clientele is the operator (manager) and the authorization server
// (server) of Clientele: OAuth clients as Kubernetes objects.
//
// This file turns flags into options and puts concrete parts together; it is the
// only one that reads the clock.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	// Roots of certificates for an image that has no file of them; a file that
	// SSL_CERT_FILE names, or that the system has, replaces all of these.
	_ "golang.org/x/crypto/x509roots/fallback"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"clientele.dev/clientele/authserver"
	"clientele.dev/clientele/authserver/credential"
	"clientele.dev/clientele/authserver/kube"
	"clientele.dev/clientele/authserver/logo"
	"clientele.dev/clientele/authserver/outbound"
	"clientele.dev/clientele/authserver/signin"
	"clientele.dev/clientele/authserver/store"
	"clientele.dev/clientele/authserver/store/postgres"
	"clientele.dev/clientele/authserver/store/sqlite"
	"clientele.dev/clientele/controllers"
	"clientele.dev/clientele/controllers/bootstrap"
	"clientele.dev/clientele/controllers/check"
	"clientele.dev/clientele/controllers/desk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	if err := rootCommand(os.Stdout, os.Stderr).ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "clientele:", err)
		os.Exit(exitCode(err))
	}
}

// usageError is a mistake in the flags.
type usageError struct{ error }

// Unwrap is for errors.As and errors.Is.
func (e usageError) Unwrap() error { return e.error }

// ExitCode as of most programs.
func (usageError) ExitCode() int { return 2 }

// exitCode of an error that says it, by a method ExitCode; otherwise 1.
func exitCode(err error) int {
	if coded, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		return coded.ExitCode()
	}
	return 1
}

func rootCommand(out, errOut io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "clientele",
		Short:         "OAuth clients as Kubernetes objects, and the authorization server they are clients of",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(out)
	root.SetErr(errOut)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	atDesk := desk.Options{Now: time.Now, UserAgent: "clientele/" + version()}
	root.AddCommand(managerCommand(), serverCommand(), hashPasswordCommand(), versionCommand(),
		bootstrap.Command(bootstrap.Options{UserAgent: userAgent()}),
		checkCommand(),
		desk.SelfRegistered(atDesk), desk.People(atDesk))
	return root
}

// checkCommand has client-go log nothing: forwarded ports log what they cannot connect, and
// the findings say it.
func checkCommand() *cobra.Command {
	cmd := check.Command(check.Options{Now: time.Now, UserAgent: userAgent(), Version: version()})
	cmd.PreRun = func(*cobra.Command, []string) { klog.SetLogger(logr.Discard()) }
	return cmd
}

// common are the flags of every long-running subcommand.
type common struct {
	kubeconfig string
	logLevel   string
	logFormat  string
}

func (c *common) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.kubeconfig, "kubeconfig", "", "kubeconfig file; empty: the Pod's own ServiceAccount")
	f.StringVar(&c.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&c.logFormat, "log-format", "text", "text or json")
}

// logger makes the logger and hands it to the Kubernetes libraries.
func (c *common) logger(out io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %q: want debug, info, warn or error", c.logLevel)}
	}
	options := &slog.HandlerOptions{Level: level}
	var log *slog.Logger
	switch c.logFormat {
	case "text":
		log = slog.New(slog.NewTextHandler(out, options))
	case "json":
		log = slog.New(slog.NewJSONHandler(out, options))
	default:
		return nil, usageError{fmt.Errorf("--log-format %q: want text or json", c.logFormat)}
	}
	klog.SetLogger(logr.FromSlogHandler(log.Handler()))
	ctrllog.SetLogger(logr.FromSlogHandler(log.Handler()))
	return log, nil
}

func (c *common) restConfig() (*rest.Config, error) {
	var config *rest.Config
	var err error
	if c.kubeconfig == "" {
		config, err = rest.InClusterConfig()
	} else {
		config, err = clientcmd.BuildConfigFromFlags("", c.kubeconfig)
	}
	if err != nil {
		return nil, fmt.Errorf("find the API server (--kubeconfig names a file; without it this must run in a Pod): %w", err)
	}
	config.UserAgent = userAgent()
	return config, nil
}

func managerCommand() *cobra.Command {
	var c common
	var o controllers.Options
	cmd := &cobra.Command{
		Use:   "manager",
		Short: "Run the operator: the controllers of AuthorizationServer, NamespaceAccess, OAuthClient and ScopePolicy",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, err := c.logger(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if o.Config, err = c.restConfig(); err != nil {
				return err
			}
			o.Log, o.Now, o.Version = logr.FromSlogHandler(log.Handler()), time.Now, version()
			collectEarlier()
			return controllers.Run(cmd.Context(), o)
		},
	}
	c.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Namespace, "namespace", "clientele-system", "the operator's own namespace")
	f.StringVar(&o.ServiceAccount, "service-account", "clientele-operator", "ServiceAccount in --namespace as which the operator speaks to authorization servers")
	f.StringSliceVar(&o.AuthorizationServerNamespaces, "authorization-server-namespaces", nil, "namespaces in which an AuthorizationServer counts; empty: --namespace")
	f.StringVar(&o.Image, "image", "", "image of the servers of type Managed whose spec.managed.image is absent: the operator's own")
	f.StringVar(&o.ClusterDomain, "cluster-domain", "cluster.local", "DNS domain of the cluster's Services, for the names in certificates")
	f.DurationVar(&o.CertificateLifetime, "certificate-lifetime", 90*24*time.Hour, "how long the serving certificates of Managed servers are valid; they are renewed after two thirds of it")
	f.StringSliceVar(&o.WatchNamespaces, "watch-namespaces", nil, "namespaces whose OAuthClients and ScopePolicies count, beside those of AuthorizationServers; empty: all, for which the operator must be allowed to read the Secrets of every namespace. One that does not exist, or where the operator lacks its Role, is left out until it can be watched")
	f.BoolVar(&o.ClaimDefault, "claim-default", true, "take OAuthClients and ScopePolicies whose serverRef names no namespace, but for those that another operator has already; of several operators in a cluster, only one may have this")
	f.StringVar(&o.MetricsBindAddress, "metrics-bind-address", ":8080", "host:port of /metrics; 0: none")
	f.StringVar(&o.HealthProbeBindAddress, "health-probe-bind-address", ":8081", "host:port of /healthz and /readyz; 0: none")
	f.BoolVar(&o.LeaderElect, "leader-elect", true, "let several operators run, of which one works")
	return cmd
}

// collectEarlier trades a little garbage collection for memory, which a cluster
// reserves for good: the operator's heap is mostly caches. With 2,000 clients it
// saved 12 MiB, for no more CPU per client. GOGC, if set, wins.
func collectEarlier() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(60)
	}
}

// serverFlags are the flags of the server subcommand.
type serverFlags struct {
	common
	options authserver.Options
	object  string // namespace/name of the AuthorizationServer
	storage string
	dataDir string
	dsnFile string
	// postgresCA is the file of the certificates that the database's is checked with.
	postgresCA string
	// certFile and keyFile are the TLS certificate of the endpoints; both empty: plain http.
	certFile, keyFile string
	// registrarCertFile and registrarKeyFile are those of the registrars' port.
	registrarCertFile, registrarKeyFile string
	clusterID                           string
}

func serverCommand() *cobra.Command {
	var f serverFlags
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the authorization server of one AuthorizationServer object",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := runServer(cmd.Context(), f, cmd.ErrOrStderr())
			leaveWord(err)
			return err
		},
	}
	f.addFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.object, "authorization-server", "clientele-system/default", "namespace/name of the AuthorizationServer to serve")
	flags.StringVar(&f.options.ListenAddress, "listen-address", ":8443", "host:port of the endpoints")
	flags.StringVar(&f.options.MetricsAddress, "metrics-address", ":9090", "host:port of /metrics; empty: none")
	flags.StringVar(&f.certFile, "tls-cert-file", "", "PEM file of the TLS certificate, read again when it changes; empty: plain http, for loopback or behind a proxy that terminates TLS")
	flags.StringVar(&f.keyFile, "tls-key-file", "", "PEM file of the certificate's key")
	flags.StringVar(&f.options.RegistrarAddress, "registrar-address", "", "host:port of what only registrars, such as the operator, use: /registrar/v1, and registration with verb manage. --listen-address then answers 404 to /registrar/v1, and verb manage counts as verb register there. Empty: --listen-address has all")
	flags.StringVar(&f.registrarCertFile, "registrar-tls-cert-file", "", "PEM file of the TLS certificate of --registrar-address, read again when it changes; empty: plain http, for loopback")
	flags.StringVar(&f.registrarKeyFile, "registrar-tls-key-file", "", "PEM file of that certificate's key")
	flags.DurationVar(&f.options.ShutdownDelay, "shutdown-delay", 0, "how long to go on serving after SIGTERM, while /readyz already says no: as long as load balancers take to notice. Running requests have 20s more; the grace period must be longer than both")
	flags.StringVar(&f.clusterID, "cluster-id", "", "name of this cluster, which the server keeps with every client that a registrar registers. Empty: the uid of namespace kube-system. Do not change it while clients are registered: the server takes them for another cluster's")
	flags.StringVar(&f.storage, "storage", "embedded", "embedded (SQLite in --data-dir, one replica) or postgres (--postgres-dsn-file, any number of replicas)")
	flags.StringVar(&f.dataDir, "data-dir", "/var/lib/clientele", "directory of the embedded database")
	flags.StringVar(&f.dsnFile, "postgres-dsn-file", "", "file, such as a mounted Secret, that holds PostgreSQL's connection string; read again for each connection, so that a new password, role, host or certificate needs no restart")
	flags.StringVar(&f.postgresCA, "postgres-ca-file", "", "PEM file of the certificate authority of PostgreSQL's certificate, read again for each connection; the connection string's sslmode is then verify-full unless it says verify-ca, require or verify-full; empty: as the connection string says")
	return cmd
}

func runServer(ctx context.Context, f serverFlags, logTo io.Writer) (err error) {
	o := f.options
	if o.Log, err = f.logger(logTo); err != nil {
		return err
	}
	o.Now, o.Version = time.Now, version()
	namespace, name, ok := strings.Cut(f.object, "/")
	if !ok || namespace == "" || name == "" {
		return usageError{fmt.Errorf("--authorization-server %q: want namespace/name", f.object)}
	}
	if f.options.RegistrarAddress == "" && f.registrarCertFile+f.registrarKeyFile != "" {
		return usageError{errors.New("--registrar-tls-cert-file and --registrar-tls-key-file need --registrar-address")}
	}
	config, err := f.restConfig()
	if err != nil {
		return err
	}
	o.Outbound = &outbound.Allowlist{}
	upstreams := outbound.New(outbound.Options{Policy: outbound.Policy{Private: true}, Allow: o.Outbound, UserAgent: userAgent()})
	o.Logos = outbound.New(outbound.Options{
		Allow: o.Outbound, UserAgent: userAgent(), MaxBytes: logo.MaxBytes, Timeout: logo.Timeout,
	})
	adapter, err := kube.New(kube.Options{Config: config, Namespace: namespace, Name: name, ClusterID: f.clusterID, Outbound: upstreams, Log: o.Log, Now: o.Now})
	if err != nil {
		return err
	}
	o.Source, o.Registrars = adapter, adapter
	o.Users, o.Upstreams = adapter.Users(), adapter.Upstreams
	db, err := f.openStore(ctx, o)
	if err != nil && ctx.Err() != nil {
		return nil // told to stop while it waited for the database
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	o.Store = db
	if o.Certificate, err = certificate(ctx, "--tls", f.certFile, f.keyFile, o.Log); err != nil {
		return err
	}
	if o.RegistrarCertificate, err = certificate(ctx, "--registrar-tls", f.registrarCertFile, f.registrarKeyFile, o.Log); err != nil {
		return err
	}
	return authserver.Run(ctx, o)
}

// certificate serves what the files of the flags <flags>-cert-file and <flags>-key-file
// hold, and reads them again when they change, until ctx ends. Without these flags it is nil.
func certificate(ctx context.Context, flags, certFile, keyFile string, log *slog.Logger) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	switch {
	case certFile == "" && keyFile == "":
		return nil, nil
	case certFile == "" || keyFile == "":
		return nil, usageError{fmt.Errorf("%s-cert-file and %s-key-file belong together: want both or neither", flags, flags)}
	}
	watcher, err := certwatcher.New(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate and its key: %w", err)
	}
	go func() {
		if err := watcher.Start(ctx); err != nil && ctx.Err() == nil {
			log.Error("a renewed TLS certificate needs a restart: its files cannot be watched", "error", err)
		}
	}()
	return watcher.GetCertificate, nil
}

// databaseWait is how long a server waits at its start for a database that is away, before
// it ends: the container that is started again and again, and what it leaves in the
// termination log, are seen where a log is not read. A variable for the tests.
var databaseWait = time.Minute

// storageError is why a server ends that cannot open its store. What it leaves in the
// termination log is an oauth.StorageReport.
type storageError struct{ error }

// Unwrap is for errors.As and errors.Is.
func (e storageError) Unwrap() error { return e.error }

// ExitCode is 4 if a newer version has changed the schema, so that only that version can
// help; otherwise 3.
func (e storageError) ExitCode() int {
	if errors.Is(e, store.ErrTooNew) {
		return 4
	}
	return 3
}

// terminationLog is where the kubelet reads why a container ended (the default of
// terminationMessagePath). A variable for the tests.
var terminationLog = "/dev/termination-log"

// mostWords is how many bytes the kubelet reads there.
const mostWords = 4096

// leaveWord of why a server ends with an error in the termination log, if there is one.
func leaveWord(why error) {
	if why == nil {
		return
	}
	text := why.Error()
	if failed, ok := errors.AsType[*store.StorageError](why); ok {
		text = failed.Report().String()
	}
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
	f, err := os.OpenFile(terminationLog, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return // this is no container, or standard error is all that there is
	}
	_, _ = f.WriteString(text[:min(len(text), mostWords)]) // standard error has it, too
	_ = f.Close()
}

// openStore opens the storage that --storage names. A connection string holds a
// password: it comes in a file, for arguments and environment are shown to others.
func (f serverFlags) openStore(ctx context.Context, o authserver.Options) (db store.Store, err error) {
	switch f.storage {
	case "embedded":
		db, err = sqlite.Open(ctx, sqlite.Options{Dir: f.dataDir, Now: o.Now})
	case "postgres":
		if f.dsnFile == "" {
			return nil, usageError{errors.New("--storage=postgres: want --postgres-dsn-file too")}
		}
		db, err = postgres.Open(ctx, postgres.Options{DSNFile: f.dsnFile, CAFile: f.postgresCA, Wait: databaseWait, Now: o.Now, Log: o.Log})
	default:
		return nil, usageError{fmt.Errorf("--storage %q: want embedded or postgres", f.storage)}
	}
	if err != nil {
		return nil, storageError{err}
	}
	return db, nil
}

func hashPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash-password",
		Short: "Read a password from standard input and print its hash, for the Secret of the local users",
		Long: "Reads a password from standard input, never from an argument, which others on the machine could see.\n" +
			"The first line counts, without its line break. Prints an Argon2id hash in PHC form, with a new salt each time.",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 { // not repeated: it may be the password
				return errors.New("the password is read from standard input, not from an argument")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			return hashPassword(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

func hashPassword(in io.Reader, out io.Writer) error {
	line, err := bufio.NewReader(io.LimitReader(in, 2*signin.MaxPasswordLength)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the password from standard input: %w", err)
	}
	hash, err := signin.HashPassword(credential.Secret(strings.TrimRight(line, "\r\n")))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, hash)
	return err
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), version())
			return err
		},
	}
}

// userAgent is how the product calls itself in requests.
func userAgent() string { return "clientele/" + version() }

// buildVersion is set by `make build` and `make image` (-ldflags -X).
var buildVersion string

// version is the one that the build was given, the module's, or the commit that was built.
func version() string {
	if buildVersion != "" {
		return buildVersion
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value
		}
	}
	return "devel"
}
