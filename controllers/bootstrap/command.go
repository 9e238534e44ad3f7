package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options of the command.
type Options struct {
	// UserAgent that the API server sees.
	UserAgent string
}

type flags struct {
	Options
	kubeconfig, file, image string
	timeout                 time.Duration
}

// Command is `clientele bootstrap`.
func Command(o Options) *cobra.Command {
	f := flags{Options: o}
	cmd := &cobra.Command{
		Use:   "bootstrap",
		Short: "Apply the objects of a file server-side and wait until they are Ready; the Helm chart's Job runs it",
		Long: "Applies the objects of a file server-side, as field manager " + fieldManager + " and without force:\n" +
			"a field that somebody else has changed is an error that names it. Then waits until all are Ready.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	p := cmd.Flags()
	p.StringVar(&f.kubeconfig, "kubeconfig", "", "kubeconfig file; empty: as kubectl finds it, or the Pod's own ServiceAccount")
	p.StringVar(&f.file, "file", "", "YAML file of AuthorizationServers and NamespaceAccesses")
	p.StringVar(&f.image, "image", "", "image that AuthorizationServers of type Managed must have come to run, unless they name one; empty: any")
	p.DurationVar(&f.timeout, "timeout", 2*time.Minute, "how long to wait until all objects are Ready")
	return cmd
}

func (f *flags) run(ctx context.Context, out io.Writer) error {
	if f.file == "" {
		return errors.New("--file is missing: want a YAML file of AuthorizationServers and NamespaceAccesses")
	}
	objects, err := read(f.file)
	if err != nil {
		return err
	}
	c, err := f.client()
	if err != nil {
		return err
	}
	w := worker{client: c, out: out, image: f.image, every: time.Second}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	return w.run(ctx, objects)
}

func (f *flags) client() (client.Client, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = f.kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("find the API server (--kubeconfig names a file; without it this must run in a Pod): %w", err)
	}
	config.UserAgent = f.UserAgent
	c, err := client.New(config, client.Options{})
	if err != nil {
		return nil, fmt.Errorf("make a client of the API server: %w", err)
	}
	// A field that does not exist is a typing error in the values, not to be dropped.
	return client.WithFieldValidation(c, metav1.FieldValidationStrict), nil
}

// read returns the objects of a file.
func read(path string) ([]*unstructured.Unstructured, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--file: %w", err)
	}
	defer file.Close()
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	for {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("--file %s: %w", path, err)
		}
		if len(o.Object) > 0 { // a document of comments only
			objects = append(objects, o)
		}
	}
}
