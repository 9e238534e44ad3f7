package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/ko/pkg/build"
)

// imageName is the annotation by which containerd names an image that it imports.
const imageName = "io.containerd.image.name"

// writeArchive writes the image as a tar of an OCI image layout, which holds every
// platform. The same image gives the same bytes. An archive that is there is replaced
// when the new one is whole.
func writeArchive(path, name string, image build.Result) (err error) {
	dir, err := os.MkdirTemp("", "clientele-image-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := writeLayout(dir, name, image); err != nil {
		return fmt.Errorf("write the image's layout: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	err = errors.Join(writeTar(file, os.DirFS(dir)), file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

func writeLayout(dir, name string, image build.Result) error {
	written, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	named := layout.WithAnnotations(map[string]string{imageName: name})
	switch image := image.(type) {
	case v1.ImageIndex:
		return written.AppendIndex(image, named)
	case v1.Image:
		return written.AppendImage(image, named)
	default:
		return fmt.Errorf("neither an image nor an index: %T", image)
	}
}

// writeTar writes files and folders in the order of their names, without what differs
// between two machines: times, owners and modes.
func writeTar(to io.Writer, files fs.FS) error {
	w := tar.NewWriter(to)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if entry.IsDir() {
			return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: path + "/", Mode: 0o755})
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Size: info.Size(), Mode: 0o644}); err != nil {
			return err
		}
		file, err := files.Open(path)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, file)
		return errors.Join(err, file.Close())
	})
	return errors.Join(err, w.Close())
}
