package command

import (
	"bufio"
	"fmt"
	"os"

	"github.com/wtsim/wtsim/internal/wholefile"
	"github.com/wtsim/wtsim/monitor"
)

// save writes the state to a temporary name and renames it: a file that is
// there is whole.
func save(s *monitor.Stream, file string) error {
	if err := wholefile.Write(file, s.Checkpoint); err != nil {
		return fmt.Errorf("--checkpoint: %w", err)
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
