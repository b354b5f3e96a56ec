package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/postgres"
)

// postgres is a PostgreSQL with what files of statements make of it, one after
// the other; those of a pattern in order of their names, as migrations are.
func (s *service) postgres(name string, in *file) (cloud.Service, error) {
	p := postgres.New(name).At(s.At...)
	for _, pattern := range s.SQL {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(in.dir, pattern)
		}
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("sql: there is no file %s, wanted one with statements, or a pattern such as migrations/*.up.sql", pattern)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("sql: %w", err)
			}
			p = p.With(string(text))
		}
	}
	switch {
	case s.Replicated && s.Synchronous:
		return nil, errors.New("it is replicated and synchronous, wanted one of both: synchronous has a standby too")
	case s.Replicated:
		p = p.Replicated()
	case s.Synchronous:
		p = p.Synchronous()
	}
	return p, nil
}
