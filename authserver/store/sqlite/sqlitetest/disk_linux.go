package sqlitetest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// mountedAt is where a test that SmallDisk started again finds its disk.
const mountedAt = "CLIENTELE_TEST_SMALL_DISK"

// Disk is a filesystem of the test's own.
type Disk struct{ dir string }

// SmallDisk runs a test on a real filesystem (tmpfs) of so many bytes, where t.TempDir
// leads to: again, in a process that sees a mount which nothing else does. A machine that
// lets a test do that neither as root nor in a user namespace skips it.
func SmallDisk(t *testing.T, size int, test func(t *testing.T, d Disk)) {
	t.Helper()
	if dir := os.Getenv(mountedAt); dir != "" {
		for _, err := range []error{
			syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""),
			syscall.Mount("none", dir, "tmpfs", 0, "size="+strconv.Itoa(size)),
		} {
			if err != nil {
				t.Skipf("a tmpfs cannot be mounted here: %v", err)
			}
		}
		t.Setenv("TMPDIR", dir)
		test(t, Disk{dir})
		return
	}
	dir, err := os.MkdirTemp("", "small-disk-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(dir) //nolint:errcheck // it is empty
	cmd := exec.Command(os.Args[0], "-test.run=^"+regexp.QuoteMeta(t.Name())+"$", "-test.v")
	cmd.Env = append(os.Environ(), mountedAt+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	said := string(out)
	switch {
	case errors.Is(err, syscall.EPERM) || strings.Contains(said, "--- SKIP"):
		t.Skipf("this machine lets no test mount a filesystem: %v\n%s", err, said)
	case err != nil || !strings.Contains(said, "--- PASS: "+t.Name()):
		t.Errorf("on the small disk: %v\n%s", err, said)
	default:
		t.Log(said)
	}
}

// Fill the disk to the last byte.
func (d Disk) Fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(d.filler())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // what counts is that there is no space left
	for block := 1 << 16; block > 0; block /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, block))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

// Free what Fill took.
func (d Disk) Free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		t.Fatal(err)
	}
}

func (d Disk) filler() string { return filepath.Join(d.dir, "filler") }
