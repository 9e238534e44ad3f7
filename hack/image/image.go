package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/publish"
)

// user is the one that the Pods name too; there is no /etc/passwd to find a name in.
const user = "65532:65532"

// options are what is built, and what the image says about it.
type options struct {
	dir       string   // of the module
	pkg       string   // import path of the command
	platforms []string // such as linux/amd64
	version   string   // of the binary: main.buildVersion
	tag       string   // of the image
	revision  string   // commit; empty: unknown
	created   time.Time
	sbomDir   string // where the SBOMs go; empty: nowhere
}

// buildImage builds an index of one image for each platform; for one platform, the
// image itself.
func buildImage(ctx context.Context, o options) (build.Result, error) {
	base, err := scratch(o.platforms)
	if err != nil {
		return nil, err
	}
	// ko lets these of the environment win over the platform that it builds for.
	for _, variable := range []string{"GOOS", "GOARCH"} {
		if err := os.Unsetenv(variable); err != nil {
			return nil, err
		}
	}
	buildOptions := []build.Option{
		build.WithBaseImages(func(context.Context, string) (name.Reference, build.Result, error) {
			return name.MustParseReference("scratch"), base, nil
		}),
		build.WithPlatforms(o.platforms...),
		build.WithUser(user),
		build.WithCreationTime(v1.Time{Time: o.created}),
		build.WithKoDataCreationTime(v1.Time{Time: o.created}),
		// Set whatever the environment has, which wins over ko's own flags otherwise. Git's
		// state is in the version; in the binary it would make an image built from an
		// unpacked release differ from one built from a clone.
		build.WithDefaultEnv([]string{"CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false", "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off"}),
		build.WithDefaultLdflags([]string{"-s", "-w", "-X", "main.buildVersion=" + o.version}),
		build.WithSPDX(koVersion()),
		build.WithSBOMDir(o.sbomDir),
		build.WithJobs(1), // a compiler uses all cores; two at once, twice the memory
	}
	for key, value := range o.labels() {
		buildOptions = append(buildOptions, build.WithLabel(key, value), build.WithAnnotation(key, value))
	}
	builder, err := build.NewGo(ctx, o.dir, buildOptions...)
	if err != nil {
		return nil, err
	}
	result, err := builder.Build(ctx, build.StrictScheme+o.pkg)
	if err != nil {
		return nil, fmt.Errorf("build the image of %s for %s: %w", o.pkg, strings.Join(o.platforms, " and "), err)
	}
	return result, nil
}

// koVersion is named as the SBOM's creator.
func koVersion() string {
	const ko = "github.com/google/ko"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == ko {
				return module.Version
			}
		}
	}
	return "(unknown)"
}

// labels are labels of the image and annotations of its manifests, under the keys of
// the OCI image specification.
func (o options) labels() map[string]string {
	const prefix = "org.opencontainers.image."
	labels := map[string]string{
		prefix + "title":       "clientele",
		prefix + "description": "OAuth clients as Kubernetes objects, and the authorization server they are clients of",
		prefix + "licenses":    "Apache-2.0",
		prefix + "version":     o.version,
		prefix + "created":     o.created.Format(time.RFC3339),
	}
	if o.revision != "" {
		labels[prefix+"revision"] = o.revision
	}
	return labels
}

// scratch is a base without a file: ko takes the platforms from it.
func scratch(platforms []string) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range platforms {
		platform, err := v1.ParsePlatform(p)
		if err != nil {
			return nil, fmt.Errorf("platform %q: %w", p, err)
		}
		image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
		config, err := image.ConfigFile()
		if err != nil {
			return nil, err
		}
		config = config.DeepCopy()
		config.OS, config.Architecture, config.Variant = platform.OS, platform.Architecture, platform.Variant
		if image, err = mutate.ConfigFile(image, config); err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	return index, nil
}

// push uploads the image as repo/repository:tag, with its SBOMs, and returns its
// reference by digest.
func push(ctx context.Context, repo, repository, tag string, image build.Result) (string, error) {
	publisher, err := publish.NewDefault(repo,
		publish.WithTags([]string{tag}),
		publish.WithNamer(func(base, _ string) string { return base + "/" + repository }),
		publish.WithUserAgent("clientele-image"))
	if err != nil {
		return "", err
	}
	pushed, err := publisher.Publish(ctx, image, build.StrictScheme+product)
	if err != nil {
		return "", fmt.Errorf("push to %s/%s (KO_DOCKER_REPO): %w", repo, repository, err)
	}
	return pushed.String(), publisher.Close()
}
