//go:build !unix

package pgserver

import (
	"errors"
	"os"
	"time"
)

// Missing says that there is no server to be started.
const Missing = "a PostgreSQL is started by itself on Unix alone"

// Variable names a server that is there already: not here.
const Variable = "WTSIM_POSTGRES_URL"

// User is the server's superuser.
const User = "postgres"

// Server is a server that runs: none here.
type Server struct{ Dir, User, Database string }

// Conn is a connection to the server: none here.
type Conn struct{}

// Found reports whether there is a server to be started.
func Found() bool { return false }

// Run fails.
func Run(...string) (*Server, error) { return nil, errors.New(Missing) }

// Given fails where [Variable] is set.
func Given() (*Server, error) {
	if os.Getenv(Variable) == "" {
		return nil, nil
	}
	return nil, errors.New(Missing)
}

func (s *Server) Own() bool                  { return true }
func (s *Server) Password() string           { return "" }
func (s *Server) Stoppable(*Conn, int) error { return nil }
func (s *Server) DropAtEnd(string) error     { return nil }
func (s *Server) Stop()                      {}
func (s *Server) Dial() (*Conn, error)       { return nil, errors.New(Missing) }
func (s *Server) Freeze(int)                 {}
func (s *Server) Thaw(int)                   {}
func (s *Server) Cancel(int)                 {}
func (c *Conn) Write([]byte) (int, error)    { return 0, errors.New(Missing) }
func (c *Conn) Read([]byte) (int, error)     { return 0, errors.New(Missing) }
func (c *Conn) Readable(time.Duration) bool  { return false }
func (c *Conn) Close()                       {}
