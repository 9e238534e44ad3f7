package check

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"clientele.dev/clientele/api/v1alpha1"
)

// retried is how long a new Pod tries by default: the server may just be starting, or
// hear of a new client.
const retried = 30 * time.Second

// tokenCommand makes `check token`.
func (o Options) tokenCommand() *cobra.Command {
	var dir, output, ca string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Get a token with a mounted credentials Secret, and write it to a file",
		Long: "Gets a token as an app does: with nothing but an OAuthClient's Secret, mounted as a directory.\n" +
			"The token is written to a file and shown nowhere. It needs no right in the cluster.",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" || output == "" {
				return exitError{exitUsage, errors.New("want --credentials and --output")}
			}
			return o.retry(cmd.Context(), wait, func(ctx context.Context) error {
				by, err := readCredentials(dir)
				if err != nil {
					return err
				}
				c, err := clientFor(cmp.Or(ca, filepath.Join(dir, v1alpha1.CABundleKey)))
				if err != nil {
					return err
				}
				token, err := getToken(ctx, c, by)
				if err != nil {
					return err
				}
				if err := os.WriteFile(output, []byte(token), 0o600); err != nil {
					return fmt.Errorf("write the token: %w", err)
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), finding{Level: ok, What: "token", Why: "of client " + by.id + " at " + by.tokenEndpoint})
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "credentials", "", "directory with the keys of the credentials Secret: client_id, client_secret and token_endpoint")
	f.StringVar(&output, "output", "", "file for the token")
	f.StringVar(&ca, "ca", "", "PEM file of certificates that are trusted beside the system's roots; empty, or if there is no such file: ca.crt in --credentials, if it is there")
	f.DurationVar(&wait, "wait", retried, "try again after an error, for this long")
	return cmd
}

// verifyCommand makes `check verify`.
func (o Options) verifyCommand() *cobra.Command {
	var file, issuer, ca string
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Verify a token in a file as an API does",
		Long: "Verifies a token as an API does: by the issuer's metadata and published keys, with nothing but its CA.\n" +
			"It needs no right in the cluster.",
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" || issuer == "" {
				return exitError{exitUsage, errors.New("want --token and --issuer")}
			}
			return o.retry(cmd.Context(), wait, func(ctx context.Context) error {
				token, err := os.ReadFile(file)
				if err != nil {
					return fmt.Errorf("read the token: %w", err)
				}
				c, err := clientFor(ca)
				if err != nil {
					return err
				}
				m, _, err := readMetadata(ctx, c, issuer, issuer)
				if err != nil {
					return err
				}
				got, err := verify(ctx, c, m, strings.TrimSpace(string(token)), o.Now)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), finding{Level: ok, What: "token", Why: got.String()})
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "token", "", "file with the token")
	f.StringVar(&issuer, "issuer", "", "issuer that the token must be of")
	f.StringVar(&ca, "ca", "", "PEM file of certificates that are trusted beside the system's roots; if there is no such file, these alone")
	f.DurationVar(&wait, "wait", retried, "try again after an error, for this long")
	return cmd
}

// retry tries until it succeeds or the time is over, and returns the last error.
func (o Options) retry(ctx context.Context, wait time.Duration, try func(context.Context) error) error {
	until := o.Now().Add(wait)
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		if !o.Now().Before(until) || ctx.Err() != nil {
			return exitError{exitFailed, err}
		}
		pause(ctx, between)
	}
}

// readCredentials reads a mounted Secret.
func readCredentials(dir string) (credentials, error) {
	var c credentials
	for key, into := range map[string]*string{
		v1alpha1.CredentialsKeyClientID:      &c.id,
		v1alpha1.CredentialsKeyClientSecret:  &c.secret,
		v1alpha1.CredentialsKeyTokenEndpoint: &c.tokenEndpoint,
	} {
		text, err := os.ReadFile(filepath.Join(dir, key))
		if err != nil {
			return credentials{}, fmt.Errorf("read the credentials: %w", err)
		}
		*into = string(text)
	}
	return c, nil
}

// clientFor trusts the system's roots and those in a file, if there is one.
func clientFor(ca string) (*http.Client, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("read the CA: %w", err)
		case !pool.AppendCertsFromPEM(pem):
			return nil, fmt.Errorf("%s holds no PEM certificate", ca)
		}
	}
	return &http.Client{
		Timeout:       requestTimeout,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
