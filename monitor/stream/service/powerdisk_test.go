//go:build linux

package service

import (
	"bytes"
	"context"
	"math/rand/v2"
	"path"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// disk is a file system in memory whose power can be cut. What a program has
// written is on it; what is there after a cut is what was synced:
//
//  1. fsync of a file (and each write, where it was opened with O_SYNC) makes its
//     content durable, and no other file's.
//  2. Names (made, renamed, removed) have a journal, as in ext4 and XFS: any fsync
//     makes durable those up to it, in their order.
//  3. Of what was written to the end of a file behind its last fsync a part is
//     there after a cut, or none, or zeros: it is torn.
type disk struct {
	mu    sync.Mutex
	root  *file
	names map[string]*file // what is durable, by path
	lies  bool             // fsync does nothing
}

// file is a file or a directory.
type file struct {
	fs.Inode
	disk     *disk
	mode     uint32
	changed  time.Time
	now      []byte
	durable  []byte
	children map[string]*file // of a directory
}

func newDisk() *disk {
	d := &disk{names: map[string]*file{}}
	d.root = d.file(syscall.S_IFDIR | 0o755)
	return d
}

func (d *disk) file(mode uint32) *file {
	f := &file{disk: d, mode: mode, changed: time.Now()}
	if mode&syscall.S_IFDIR != 0 {
		f.children = map[string]*file{}
	}
	return f
}

// mount has the disk at a directory, until the test ends or it is unmounted.
func (d *disk) mount(t *testing.T, dir string) (unmount func()) {
	t.Helper()
	s, err := fs.Mount(dir, d.root, &fs.Options{MountOptions: fuse.MountOptions{DirectMount: true, FsName: "wtsim"}})
	if err != nil {
		t.Skipf("mounting a file system of its own: %v; root may, where there is /dev/fuse", err)
	}
	var once sync.Once
	unmount = func() {
		once.Do(func() {
			for range 100 {
				if err = s.Unmount(); err == nil {
					return
				}
				time.Sleep(20 * time.Millisecond) // who was killed lets go
			}
			t.Errorf("unmounting: %v", err)
		})
	}
	t.Cleanup(unmount)
	return unmount
}

// cut is the disk after its power was cut.
func (d *disk) cut(r *rand.Rand) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	after := newDisk()
	after.lies = d.lies
	for _, name := range sortedNames(d.names) {
		f := d.names[name]
		g := after.file(f.mode)
		g.now = torn(r, f.durable, f.now)
		g.durable = bytes.Clone(g.now)
		parent := after.root
		if dir := path.Dir(name); dir != "." {
			parent = after.names[dir]
		}
		parent.children[path.Base(name)] = g
		after.names[name] = g
	}
	return after
}

// torn is what is there of a file of which only a part is durable.
func torn(r *rand.Rand, durable, now []byte) []byte {
	out := bytes.Clone(durable)
	if len(now) <= len(durable) || !bytes.HasPrefix(now, durable) {
		return out
	}
	tail := now[len(durable):]
	tail = tail[:r.IntN(len(tail)+1)]
	switch r.IntN(3) {
	case 0:
		return append(out, tail...)
	case 1:
		return append(out, make([]byte, len(tail))...)
	}
	return out
}

// sync is under the lock.
func (f *file) sync() {
	if f.disk.lies {
		return
	}
	f.durable = bytes.Clone(f.now)
	f.disk.names = map[string]*file{}
	f.disk.root.walk(".", f.disk.names)
}

func (f *file) walk(at string, names map[string]*file) {
	for name, child := range f.children {
		names[path.Join(at, name)] = child
		child.walk(path.Join(at, name), names)
	}
}

func (f *file) locked() func() {
	f.disk.mu.Lock()
	return f.disk.mu.Unlock
}

// inode gives a file to the kernel.
func (f *file) inode(ctx context.Context, child *file, out *fuse.EntryOut) *fs.Inode {
	child.attributes(&out.Attr)
	if child.EmbeddedInode().StableAttr().Ino != 0 {
		return child.EmbeddedInode()
	}
	return f.NewPersistentInode(ctx, child, fs.StableAttr{Mode: child.mode & syscall.S_IFMT})
}

func (f *file) attributes(out *fuse.Attr) {
	out.Mode, out.Size = f.mode, uint64(len(f.now))
	out.SetTimes(nil, &f.changed, &f.changed)
}

func (f *file) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	defer f.locked()()
	child := f.children[name]
	if child == nil {
		return nil, syscall.ENOENT
	}
	return f.inode(ctx, child, out), 0
}

func (f *file) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	defer f.locked()()
	var all []fuse.DirEntry
	for _, name := range sortedNames(f.children) {
		all = append(all, fuse.DirEntry{Name: name, Mode: f.children[name].mode})
	}
	return fs.NewListDirStream(all), 0
}

func (f *file) add(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) *fs.Inode {
	defer f.locked()()
	child := f.disk.file(mode)
	f.children[name] = child
	return f.inode(ctx, child, out)
}

func (f *file) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return f.add(ctx, name, syscall.S_IFDIR|mode, out), 0
}

func (f *file) Create(ctx context.Context, name string, _, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	return f.add(ctx, name, syscall.S_IFREG|mode, out), nil, 0, 0
}

func (f *file) remove(name string) syscall.Errno {
	defer f.locked()()
	if len(f.children[name].children) > 0 {
		return syscall.ENOTEMPTY
	}
	delete(f.children, name)
	return 0
}

func (f *file) Unlink(_ context.Context, name string) syscall.Errno { return f.remove(name) }
func (f *file) Rmdir(_ context.Context, name string) syscall.Errno  { return f.remove(name) }

func (f *file) Rename(_ context.Context, name string, to fs.InodeEmbedder, as string, flags uint32) syscall.Errno {
	defer f.locked()()
	if flags != 0 {
		return syscall.EINVAL
	}
	child := f.children[name]
	delete(f.children, name)
	to.(*file).children[as] = child
	return 0
}

func (f *file) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) { return nil, 0, 0 }

func (f *file) Read(_ context.Context, _ fs.FileHandle, to []byte, at int64) (fuse.ReadResult, syscall.Errno) {
	defer f.locked()()
	from := min(at, int64(len(f.now)))
	return fuse.ReadResultData(bytes.Clone(f.now[from:min(from+int64(len(to)), int64(len(f.now)))])), 0
}

func (f *file) Write(_ context.Context, _ fs.FileHandle, data []byte, at int64) (uint32, syscall.Errno) {
	defer f.locked()()
	if grow := at + int64(len(data)) - int64(len(f.now)); grow > 0 {
		f.now = append(f.now, make([]byte, grow)...)
	}
	f.changed = time.Now()
	return uint32(copy(f.now[at:], data)), 0
}

func (f *file) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	defer f.locked()()
	f.sync()
	return 0
}

func (f *file) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	defer f.locked()()
	f.attributes(&out.Attr)
	return 0
}

func (f *file) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	defer f.locked()()
	if size, ok := in.GetSize(); ok {
		f.now = append(f.now[:min(size, uint64(len(f.now)))], make([]byte, size-min(size, uint64(len(f.now))))...)
		f.changed = time.Now()
	}
	if mode, ok := in.GetMode(); ok {
		f.mode = f.mode&syscall.S_IFMT | mode&^syscall.S_IFMT
	}
	f.attributes(&out.Attr)
	return 0
}

func (f *file) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.Frsize, out.Blocks, out.Bfree, out.Bavail = 4096, 4096, 1<<20, 1<<20, 1<<20
	return 0
}
