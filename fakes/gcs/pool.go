package gcs

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

// Building a server costs 2 ms, most of it regular expressions of its
// router, and a server without a listener holds nothing of a bubble: it is
// emptied and used again. A run that was abandoned does not give its server
// back.
var (
	mu   sync.Mutex
	idle []*fakestorage.Server
)

func take() (*fakestorage.Server, error) {
	mu.Lock()
	defer mu.Unlock()
	if n := len(idle); n > 0 {
		s := idle[n-1]
		idle = idle[:n-1]
		return s, empty(s)
	}
	return fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true})
}

func give(s *fakestorage.Server) {
	mu.Lock()
	defer mu.Unlock()
	idle = append(idle, s)
}

// empty removes everything, buckets too.
func empty(s *fakestorage.Server) error {
	r, err := http.NewRequest(http.MethodPost, "https://storage.googleapis.com/_internal/delete_all", strings.NewReader(""))
	if err != nil {
		return err
	}
	resp, err := s.HTTPClient().Transport.RoundTrip(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("emptying fake-gcs-server: %s: %s", resp.Status, text)
	}
	return nil
}
