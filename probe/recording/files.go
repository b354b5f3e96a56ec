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
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// Limits bound [Files]; zero fields are the usual ones.
type Limits struct {
	Invocations int           // files that are kept, of this process; the oldest goes; 1 000
	Bytes       int           // of one invocation; of a longer one nothing is kept; 4 MiB
	Open        int           // invocations at the same time; of further ones nothing is kept; 100
	Wait        time.Duration // how long the end of an invocation waits for the store; what is not written then is not kept; 1 s
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
	if l.Wait <= 0 {
		l.Wait = time.Second
	}
	if l.Log == nil {
		l.Log = slog.Default()
	}
	return l
}

// Store is where files are kept. Its methods are called from many goroutines, and
// return when their context is done.
type Store interface {
	// Write stores a file, whole or not at all. Its name has letters, digits, "-",
	// "_" and "." alone.
	Write(ctx context.Context, name string, text []byte) error
	// Remove removes a file that was written.
	Remove(ctx context.Context, name string) error
}

// Files is a sink that keeps each invocation in a file of its own, when it has
// ended. What belongs to no invocation it does not keep.
type Files struct {
	store  Store
	limits Limits

	mu      sync.Mutex
	open    map[string]*[]byte // nil for one that is not kept
	ended   []file             // that are not written yet
	writing int
	kept    []string  // names, oldest first
	again   time.Time // when the store is tried again, that has failed
}

// file is an invocation that has ended.
type file struct {
	invocation string
	text       []byte
}

// notTried is how long a store that has failed is let be, so that an application
// does not become slow where its store is.
const notTried = 10 * time.Second

// NewFiles returns a sink that keeps its files in a store. An invocation is written
// before its response leaves, if httpprobe.Handler is around it.
//
// [sink.Redacted] over it hides values: with the names "request", "response" and
// "words" they cannot be played any more, with names of one's own parameters they can.
func NewFiles(store Store, l Limits) *Files {
	return &Files{store: store, limits: l.orUsual(), open: map[string]*[]byte{}}
}

// NewDirectory returns a sink that keeps its files in a directory, which it makes:
//
//	kept, err := recording.NewDirectory("recordings", recording.Limits{})
//	recorder.Keep(kept)
func NewDirectory(path string, l Limits) (*Files, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return NewFiles(directory(path), l), nil
}

// Bucket takes gs://BUCKET or gs://BUCKET/PREFIX apart.
func Bucket(place string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(place, "gs://")
	if bucket, prefix, _ = strings.Cut(rest, "/"); !ok || bucket == "" {
		return "", "", fmt.Errorf("recordings go to %q, wanted gs://BUCKET or gs://BUCKET/PREFIX", place)
	}
	return bucket, prefix, nil
}

// Put takes an event of an invocation.
func (f *Files) Put(e event.Event) {
	if e.Invocation == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text, known := f.open[e.Invocation]
	if e.Type == probe.NotePrefix+noteBegin && !known {
		if under := len(f.open) + len(f.ended) + f.writing; under >= f.limits.Open {
			f.lose(e.Invocation, fmt.Errorf("%d are under way", under))
			return
		}
		text = new([]byte)
		f.open[e.Invocation] = text
	}
	if text == nil { // it began before there was a recording, or is too long
		if e.Type == probe.NotePrefix+noteEnd {
			delete(f.open, e.Invocation)
		}
		return
	}
	if *text = append(e.AppendJSON(*text), '\n'); len(*text) > f.limits.Bytes {
		f.open[e.Invocation] = nil
		f.lose(e.Invocation, fmt.Errorf("it has more than %d bytes", f.limits.Bytes))
	}
	if e.Type == probe.NotePrefix+noteEnd {
		if f.open[e.Invocation] != nil {
			f.ended = append(f.ended, file{e.Invocation, *text})
		}
		delete(f.open, e.Invocation)
	}
}

func (f *Files) lose(invocation string, err error) {
	f.limits.Log.Warn("an invocation is not recorded", "invocation", invocation, "err", err)
}

// Flush writes the invocations that have ended.
func (f *Files) Flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, f.limits.Wait)
	defer cancel()
	f.mu.Lock()
	ended := f.ended
	f.ended, f.writing = nil, f.writing+len(ended)
	f.mu.Unlock()
	var all error
	for _, one := range ended {
		err := f.write(ctx, one)
		if err != nil {
			f.lose(one.invocation, err)
		}
		all = errors.Join(all, err)
	}
	return all
}

// write writes a file, and removes the oldest ones beyond the limit.
func (f *Files) write(ctx context.Context, one file) error {
	f.mu.Lock()
	now, wait := time.Now(), f.again //wtsim:clock how long a store is let be
	f.mu.Unlock()
	var err error
	if now.Before(wait) {
		err = errors.New("the store has failed, and is not tried for ten seconds")
	} else {
		err = f.store.Write(ctx, fileName(one.invocation), one.text)
	}
	f.mu.Lock()
	f.writing--
	var old []string
	switch {
	case err == nil:
		f.kept = append(f.kept, fileName(one.invocation))
		if n := len(f.kept) - f.limits.Invocations; n > 0 {
			old, f.kept = f.kept[:n:n], f.kept[n:]
		}
	case !now.Before(wait):
		f.again = now.Add(notTried)
	}
	f.mu.Unlock()
	for _, name := range old {
		err = errors.Join(err, f.store.Remove(ctx, name))
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

// directory is a store of files.
type directory string

// Write writes a file under another name first.
func (d directory) Write(_ context.Context, name string, text []byte) error {
	path := filepath.Join(string(d), name)
	err := os.WriteFile(path+".new", text, 0o600)
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return nil
}

// Remove removes a file.
func (d directory) Remove(_ context.Context, name string) error {
	return os.Remove(filepath.Join(string(d), name))
}
