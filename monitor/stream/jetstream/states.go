package jetstream

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/wtsim/wtsim/monitor/stream"
)

// States is where states are kept: files beside the embedded server's data, or
// an object store of the cluster.
func (e *Engine) States() stream.Store {
	if e.Embedded() {
		return files(filepath.Join(e.dir, "states"))
	}
	return objects{e.states}
}

// files keeps each state in a file of a directory.
type files string

// Put is for stream.Store.
func (d files) Put(_ context.Context, name string, state []byte) error {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return err
	}
	return writeSynced(filepath.Join(string(d), name), state)
}

// Get is for stream.Store.
func (d files) Get(_ context.Context, name string) (io.ReadCloser, error) {
	f, err := os.Open(filepath.Join(string(d), name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, stream.ErrNoState
	}
	return f, err
}

// Delete is for stream.Store.
func (d files) Delete(_ context.Context, name string) error {
	err := os.Remove(filepath.Join(string(d), name))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// List is for stream.Store.
func (d files) List(context.Context) (names []string, err error) {
	all, err := os.ReadDir(string(d))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names, err
}

// writeSynced writes a file that is whole, or not there, after any crash.
func writeSynced(path string, data []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// objects keeps each state in an object.
type objects struct{ jetstream.ObjectStore }

// Put is for stream.Store.
func (o objects) Put(ctx context.Context, name string, state []byte) error {
	_, err := o.PutBytes(ctx, name, state)
	return err
}

// Get is for stream.Store.
func (o objects) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	r, err := o.ObjectStore.Get(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, stream.ErrNoState
	}
	return r, err
}

// Delete is for stream.Store.
func (o objects) Delete(ctx context.Context, name string) error {
	err := o.ObjectStore.Delete(ctx, name)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil
	}
	return err
}

// List is for stream.Store.
func (o objects) List(ctx context.Context) (names []string, err error) {
	all, err := o.ObjectStore.List(ctx)
	if errors.Is(err, jetstream.ErrNoObjectsFound) {
		return nil, nil
	}
	for _, info := range all {
		names = append(names, info.Name)
	}
	return names, err
}
