package sim

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/wtsim/wtsim/internal/program"
)

// sharedVariable tells processes which folders are shared: their files are where
// [program.Process.Furnish] says.
const sharedVariable = "WTSIM_SHARED"

func (m *Main) sharedFolders() []string {
	if len(m.Shared) == 0 {
		return nil
	}
	return []string{sharedVariable + "=" + strings.Join(m.Shared, ":")}
}

// badShared tells what is wrong with the folders that are shared.
func (m *Main) badShared() error {
	for _, folder := range m.Shared {
		if folder != filepath.Clean(folder) || folder == "." || folder == "/" || strings.HasPrefix(folder, "..") || strings.Contains(folder, ":") {
			return fmt.Errorf("shares %q, wanted a folder below the working directory, or an absolute one, without a colon", folder)
		}
	}
	return nil
}

// furnish lets an instance's process find its files: those of its own, and the folders
// that are the run's. The first that wants one of these makes it, with what is there.
func (w *world) furnish(m *Main, p *program.Process) error {
	var all []string
	for _, folder := range m.Shared {
		if !filepath.IsAbs(folder) {
			b, err := program.Built(m.Package)
			if err != nil {
				return err
			}
			folder = filepath.Join(m.directory(b), folder)
		}
		of, err := w.sharedFolder(folder)
		if err != nil {
			return fmt.Errorf("shared folder %s: %w", folder, err)
		}
		all = append(all, of)
	}
	return p.Furnish(all)
}

func (w *world) sharedFolder(folder string) (of string, err error) {
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	if of = w.fleet.shared[folder]; of == "" {
		if of, err = newShared(folder); err == nil {
			w.fleet.shared[folder] = of
		}
	}
	return of, err
}

// made counts the folders of this process: a name that is drawn would be of the run's.
var made atomic.Uint64

func newShared(folder string) (string, error) {
	of := filepath.Join(os.TempDir(), fmt.Sprintf("wtsim-shared-%d-%d", os.Getpid(), made.Add(1)))
	// One may be left of a process of this number that was killed.
	if err := errors.Join(os.RemoveAll(of), os.Mkdir(of, 0o700)); err != nil {
		return "", err
	}
	err := os.CopyFS(of, os.DirFS(folder))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return of, err
}

// unshare removes what was shared in a run that is over.
func (w *world) unshare() {
	for _, of := range w.fleet.shared { //wtsim:order each on its own
		_ = os.RemoveAll(of) // what is left is the system's to clean
	}
}
