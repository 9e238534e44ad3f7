package main

import (
	"archive/tar"
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

var created = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// hello is a small program for two platforms.
func hello(t *testing.T) options {
	t.Helper()
	dir, err := filepath.Abs("testdata/hello")
	if err != nil {
		t.Fatal(err)
	}
	return options{
		dir: dir, pkg: "example.com/hello", platforms: platforms(""),
		version: "1.2.3-4-gabc", tag: "1.2.3", revision: "abc", created: created, sbomDir: t.TempDir(),
	}
}

// The product, built from two folders, of which only one has a git repository, is the
// same image: one static binary that knows its version and brings roots of its own.
func TestImageOfTheProductIsReproducible(t *testing.T) {
	o := options{
		dir: "../..", pkg: product, platforms: []string{"linux/" + runtime.GOARCH},
		version: "1.2.3", tag: "1.2.3", created: created,
	}
	t.Setenv("CGO_ENABLED", "1")
	t.Setenv("GOFLAGS", "-buildvcs=true")
	unpacked, cloned := o, o
	unpacked.dir, cloned.dir = copyOfTree(t, o.dir), copyOfTree(t, o.dir)
	commitAll(t, cloned.dir)
	first, second := archived(t, unpacked), archived(t, cloned)
	if a, b := read(t, first), read(t, second); !bytes.Equal(a, b) {
		t.Errorf("built twice, the archive differs: %d and %d bytes", len(a), len(b))
	}

	index := indexOf(t, first)
	images := imagesOf(t, index)
	if len(images) != 1 {
		t.Fatalf("images for %d platforms, want 1: %v", len(images), images)
	}
	image := images["linux/"+runtime.GOARCH]
	checkConfig(t, image, o, "/ko-app/clientele")
	binary := extract(t, image, "/ko-app/clientele")
	checkStatic(t, binary)
	out, err := exec.Command(binary, "version").CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "1.2.3" {
		t.Errorf("clientele version = %q, %v; want 1.2.3", got, err)
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(info.Deps, func(m *debug.Module) bool { return m.Path == "golang.org/x/crypto/x509roots/fallback" }) {
		t.Error("no roots of certificates in the binary, and there are none in the image: it could reach no https server that is public")
	}
}

func TestArchiveHoldsBothPlatforms(t *testing.T) {
	t.Setenv("GOARCH", "386") // that of the environment is not what is built for
	o := hello(t)
	path := archived(t, o)
	images := imagesOf(t, indexOf(t, path))
	if len(images) != 2 {
		t.Fatalf("images for %v, want two", images)
	}
	for platform, machine := range map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64} {
		image := images[platform]
		if image == nil {
			t.Fatalf("no image for %s", platform)
		}
		checkConfig(t, image, o, "/ko-app/hello")
		if got := checkStatic(t, extract(t, image, "/ko-app/hello")); got != machine {
			t.Errorf("%s: machine %v, want %v", platform, got, machine)
		}
	}
	for _, name := range []string{"hello-index", "hello-linux-amd64", "hello-linux-arm64"} {
		if sbom := read(t, filepath.Join(o.sbomDir, name+".spdx.json")); !bytes.Contains(sbom, []byte(`"spdxVersion": "SPDX-2.3"`)) {
			t.Errorf("%s is not an SBOM: %.100s", name, sbom)
		}
	}
	if again := archived(t, o); !bytes.Equal(read(t, path), read(t, again)) {
		t.Error("built twice, the archive differs")
	}
}

// A failed build leaves the archive of the last one as it was.
func TestArchiveIsReplacedWhenTheNewOneIsWhole(t *testing.T) {
	o := hello(t)
	o.platforms = []string{"linux/" + runtime.GOARCH}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(path, []byte("the last one"), 0o600); err != nil {
		t.Fatal(err)
	}
	image, err := buildImage(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeArchive(path, "example.com/hello:1.2.3", broken{image.(v1.Image)}); err == nil {
		t.Error("a layer that cannot be read gave an archive")
	}
	if got := string(read(t, path)); got != "the last one" {
		t.Errorf("the archive is %.20q", got)
	}
	if err := writeArchive(path, "example.com/hello:1.2.3", image); err != nil {
		t.Fatal(err)
	}
	indexOf(t, path)
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// broken is an image whose layers cannot be read.
type broken struct{ v1.Image }

func (broken) Layers() ([]v1.Layer, error) { return nil, errors.New("unreadable") }

func TestPushesToKoDockerRepo(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	o := hello(t)
	image, err := buildImage(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	repo := strings.TrimPrefix(server.URL, "http://") + "/team"
	pushed, err := push(t.Context(), repo, repository, o.tag, image)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if want := repo + "/clientele:1.2.3@" + digest.String(); pushed != want {
		t.Errorf("pushed %s, want %s", pushed, want)
	}
	tag, err := name.NewTag(repo + "/clientele:1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(tag)
	if err != nil {
		t.Fatal(err)
	}
	for platform, image := range imagesOf(t, index) {
		checkConfig(t, image, o, "/ko-app/hello")
		digest, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		sbom := tag.Tag(strings.Replace(digest.String(), ":", "-", 1) + ".sbom")
		if _, err := remote.Image(sbom); err != nil {
			t.Errorf("SBOM of %s: %v", platform, err)
		}
	}
	server.Close()
	if _, err := push(t.Context(), repo, repository, o.tag, image); err == nil || !strings.Contains(err.Error(), "KO_DOCKER_REPO") {
		t.Errorf("pushed to a registry that is down: %v", err)
	}
}

// The image for people with an engine differs in nothing that a Pod sees.
func TestContainerfileMakesAnImageOfTheSameShape(t *testing.T) {
	text := string(read(t, "../../Containerfile"))
	for _, want := range []string{
		`(?m)^FROM scratch$`,
		`(?m)^USER ` + user + `$`,
		`(?m)^COPY --from=build /clientele /ko-app/clientele$`,
		`(?m)^ENTRYPOINT \["/ko-app/clientele"\]$`,
		`CGO_ENABLED=0 .*go build -trimpath `,
		`-X main\.buildVersion=`,
	} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("Containerfile: no %s", want)
		}
	}
}

// archived builds and returns the archive's path.
func archived(t *testing.T, o options) string {
	t.Helper()
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	o.dir = dir
	image, err := buildImage(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "image.tar")
	if err := writeArchive(path, "clientele.dev/clientele:"+o.tag, image); err != nil {
		t.Fatal(err)
	}
	return path
}

// indexOf unpacks an archive and returns the index in it that containerd would import.
func indexOf(t *testing.T, archive string) v1.ImageIndex {
	t.Helper()
	dir := t.TempDir()
	file, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for r := tar.NewReader(file); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, 0o755)
		} else {
			var content []byte
			if content, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, content, 0o600)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	top, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := top.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("%d images in the archive, want 1", len(manifest.Manifests))
	}
	only := manifest.Manifests[0]
	if got, want := only.Annotations["io.containerd.image.name"], ":1.2.3"; !strings.HasSuffix(got, want) {
		t.Errorf("containerd would name the image %q, want …%s", got, want)
	}
	if !only.MediaType.IsIndex() {
		return top
	}
	index, err := top.ImageIndex(only.Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// imagesOf are the images of an index, by the platform that each says it is for.
func imagesOf(t *testing.T, index v1.ImageIndex) map[string]v1.Image {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]v1.Image{}
	for _, d := range manifest.Manifests {
		image, err := index.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		platform := config.OS + "/" + config.Architecture
		if d.Platform != nil && d.Platform.String() != platform {
			t.Errorf("listed as %s, is %s", d.Platform, platform)
		}
		images[platform] = image
	}
	return images
}

func checkConfig(t *testing.T, image v1.Image, o options, entrypoint string) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" {
		t.Errorf("user %q, want 65532:65532", config.Config.User)
	}
	if got := config.Config.Entrypoint; !slices.Equal(got, []string{entrypoint}) {
		t.Errorf("entrypoint %q, want %q", got, entrypoint)
	}
	if !config.Created.Equal(o.created) {
		t.Errorf("created %v, want %v", config.Created, o.created)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"title": "clientele", "version": o.version, "licenses": "Apache-2.0", "revision": o.revision, "created": "2026-03-04T05:06:07Z",
	} {
		key = "org.opencontainers.image." + key
		if got := config.Config.Labels[key]; got != want {
			t.Errorf("label %s = %q, want %q", key, got, want)
		}
		if got := manifest.Annotations[key]; got != want {
			t.Errorf("annotation %s = %q, want %q", key, got, want)
		}
	}
}

// extract writes one file of the image to disk.
func extract(t *testing.T, image v1.Image, name string) string {
	t.Helper()
	files := mutate.Extract(image)
	defer files.Close()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if err != nil {
			t.Fatalf("find %s in the image: %v", name, err)
		}
		if "/"+strings.TrimPrefix(header.Name, "/") != name {
			continue
		}
		if header.Mode&0o111 != 0o111 {
			t.Errorf("%s: mode %o, which user %s cannot execute", name, header.Mode, user)
		}
		path := filepath.Join(t.TempDir(), filepath.Base(name))
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

// checkStatic fails unless the program needs no loader and no library.
func checkStatic(t *testing.T, path string) elf.Machine {
	t.Helper()
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("%s is not static: it has a %v", path, p.Type)
		}
	}
	return file.Machine
}

// copyOfTree copies what git has or would add, without git.
func copyOfTree(t *testing.T, root string) string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the tree: %v", err)
	}
	dir := t.TempDir()
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(read(t, filepath.Join(root, name))), info.Mode())
	}
	return dir
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}
