package recording

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Limits bound a [Directory]; zero fields are the usual ones.
type Limits struct {
	Invocations int // files that are kept, of this process; the oldest goes; 1 000
	Bytes       int // of one invocation; of a longer one nothing is kept; 4 MiB
	Open        int // invocations at the same time; of further ones nothing is kept; 100
	// Log is told of what is not kept; slog.Default() unless given.
	Log *slog.Logger
}

func (l Limits) orUsual() Limits {
	usual := func(n *int, value int) {
		if *n <= 0 {
			*n = value
		}
	}
	usual(&l.Invocations, 1000)
	usual(&l.Bytes, 4<<20)
	usual(&l.Open, 100)
	if l.Log == nil {
		l.Log = slog.Default()
	}
	return l
}

// Directory is a sink that keeps each invocation in a file of its own, when it has
// ended. What belongs to no invocation it does not keep.
type Directory struct {
	path   string
	limits Limits

	mu   sync.Mutex
	open map[string]*[]byte // nil for one that is not kept
	kept []string           // files, oldest first
}

// NewDirectory returns a sink for a directory, which it makes:
//
//	recorder.Keep(recording.NewDirectory("recordings", recording.Limits{}))
//
// [sink.Redacted] over it hides values: with the names "request", "response" and
// "words" they cannot be played any more, with names of one's own parameters they can.
func NewDirectory(path string, l Limits) (*Directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return &Directory{path: path, limits: l.orUsual(), open: map[string]*[]byte{}}, nil
}

// Put takes an event of an invocation; its end is written to the disk.
func (d *Directory) Put(e event.Event) {
	if e.Invocation == "" {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	text, known := d.open[e.Invocation]
	if e.Type == probe.NotePrefix+noteBegin && !known {
		if text = new([]byte); len(d.open) >= d.limits.Open {
			d.lose(e.Invocation, fmt.Errorf("%d are under way", len(d.open)))
			return
		}
		d.open[e.Invocation] = text
	}
	if text == nil { // it began before there was a recording, or is too long
		if e.Type == probe.NotePrefix+noteEnd {
			delete(d.open, e.Invocation)
		}
		return
	}
	if *text = append(e.AppendJSON(*text), '\n'); len(*text) > d.limits.Bytes {
		d.open[e.Invocation] = nil
		d.lose(e.Invocation, fmt.Errorf("it has more than %d bytes", d.limits.Bytes))
	}
	if e.Type == probe.NotePrefix+noteEnd && d.open[e.Invocation] != nil {
		delete(d.open, e.Invocation)
		if err := d.write(e.Invocation, *text); err != nil {
			d.lose(e.Invocation, err)
		}
	}
}

func (d *Directory) lose(invocation string, err error) {
	d.limits.Log.Warn("an invocation is not recorded", "invocation", invocation, "err", err)
}

// write writes a file, whole, and removes the oldest beyond the limit.
func (d *Directory) write(invocation string, text []byte) error {
	path := filepath.Join(d.path, fileName(invocation))
	err := os.WriteFile(path+".new", text, 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	d.kept = append(d.kept, path)
	for len(d.kept) > d.limits.Invocations {
		err = errors.Join(err, os.Remove(d.kept[0]))
		d.kept = slices.Delete(d.kept, 0, 1)
	}
	return err
}

// fileName is that of an invocation, whatever is in its name.
func fileName(invocation string) string {
	plain := strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, invocation)
	if strings.ReplaceAll(invocation, "/", "_") == plain && len(plain) < 100 {
		return plain + ".jsonl"
	}
	sum := sha256.Sum256([]byte(invocation))
	return hex.EncodeToString(sum[:16]) + ".jsonl"
}

// Flush has nothing to wait for: the end of an invocation is on the disk when Put
// returns.
func (d *Directory) Flush(context.Context) error { return nil }
