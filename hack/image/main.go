// Command image builds the image of the product, without a container engine and
// without a base image: the one static binary of the product, for two platforms.
//
// It writes one OCI archive, bin/clientele-image.tar, which a node imports:
//
//	ctr -n k8s.io images import bin/clientele-image.tar
//	kind load image-archive bin/clientele-image.tar
//
// The image in it is named as the chart's values name it. If KO_DOCKER_REPO is set
// the image is pushed to $KO_DOCKER_REPO/clientele instead, with the credentials of
// docker login, and its SBOMs beside it. PLATFORMS=linux/amd64 builds for that
// platform only. SBOMs in SPDX's JSON are in bin/sbom.
//
// From the same commit, with the same Go release, it builds the same image, byte for
// byte. The image's date is the commit's, or SOURCE_DATE_EPOCH.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	product    = "clientele.dev/clientele" // the package and the image's name
	repository = "clientele"               // below KO_DOCKER_REPO
	archive    = "bin/clientele-image.tar"
	sbomDir    = "bin/sbom"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// ko logs each step and the state of the working tree with the standard logger.
	log.SetOutput(io.Discard)
	if err := run(ctx, "../.."); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, root string) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	o := options{
		dir: root, pkg: product, sbomDir: filepath.Join(root, sbomDir),
		platforms: platforms(os.Getenv("PLATFORMS")),
	}
	if err := o.describe(ctx, os.Getenv("SOURCE_DATE_EPOCH")); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "building %s %s for %s (the first time this takes minutes)\n", product, o.version, strings.Join(o.platforms, " and "))
	image, err := buildImage(ctx, o)
	if err != nil {
		return err
	}
	if repo := os.Getenv("KO_DOCKER_REPO"); repo != "" {
		pushed, err := push(ctx, repo, repository, o.tag, image)
		if err != nil {
			return err
		}
		fmt.Println(pushed)
		return nil
	}
	digest, err := image.Digest()
	if err != nil {
		return err
	}
	if err := writeArchive(filepath.Join(root, archive), product+":"+o.tag, image); err != nil {
		return err
	}
	fmt.Printf("%s: %s:%s@%s\n", archive, product, o.tag, digest)
	return nil
}

// platforms are those of PLATFORMS, separated by commas; empty: all.
func platforms(list string) []string {
	if list == "" {
		return []string{"linux/amd64", "linux/arm64"}
	}
	return strings.Split(list, ",")
}

// describe reads what the image says about the source from the tree in o.dir.
// epoch is SOURCE_DATE_EPOCH, in seconds since 1970; empty: the commit's time.
func (o *options) describe(ctx context.Context, epoch string) (err error) {
	if o.version, err = o.output(ctx, "hack/version.sh"); err != nil {
		return err
	}
	if o.tag, err = o.output(ctx, "hack/version.sh", "app"); err != nil {
		return err
	}
	// A tree without git, such as an unpacked release, has no commit to name.
	o.revision, _ = o.output(ctx, "git", "rev-parse", "HEAD")
	if epoch == "" {
		if epoch, err = o.output(ctx, "git", "log", "-1", "--format=%ct"); err != nil {
			return fmt.Errorf("the image's date is that of the commit; where there is no git, set SOURCE_DATE_EPOCH to it, in seconds since 1970: %w", err)
		}
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH %q: want seconds since 1970", epoch)
	}
	o.created = time.Unix(seconds, 0).UTC()
	return nil
}

// output of a command that runs in the tree, without the line break.
func (o *options) output(ctx context.Context, command string, args ...string) (string, error) {
	if strings.Contains(command, "/") {
		command = filepath.Join(o.dir, command)
	}
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir = o.dir
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(exit.Stderr)))
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", cmd, err)
	}
	return strings.TrimSpace(string(out)), nil
}
