package command

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wtsim/wtsim/monitor"
)

// save writes the state to a temporary name and renames it: a file that is
// there is whole.
func save(s *monitor.Stream, file string) error {
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return fmt.Errorf("--checkpoint: %w", err)
	}
	err = errors.Join(s.Checkpoint(f), f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name()) //nolint:errcheck // the error that counts is told
		return fmt.Errorf("--checkpoint %s: %w", file, err)
	}
	return nil
}

func resume(p *monitor.Program, o monitor.StreamOptions, file string) (*monitor.Stream, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("--resume: %w", err)
	}
	defer f.Close()
	s, err := p.Restore(bufio.NewReader(f), o)
	if err != nil {
		return nil, fmt.Errorf("--resume %s: %w", file, err)
	}
	return s, nil
}
