// Package program runs Go programs, unmodified, as function instances: each
// instance is a process, which this package builds, starts and talks to.
//
// [Build] compiles a package main on the patched runtime (see
// internal/runtimepatch), in which a process that has WTSIM_PROGRAM in its
// environment is one bubble from its first package to its end. Whenever all its
// goroutines wait it is quiet: it tells what it has done and waits to be told the
// time and what has come for it. So one [Process.Exchange] is one turn of it, and
// between two of them it does nothing at all.
//
// docs/programs.md tells the whole.
package program

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// Spec is how processes of a program are started.
type Spec struct {
	Binary string   // of [Build]
	Args   []string // without the program's name
	Env    []string // all of it
	Dir    string   // the working directory
}

// Process is a process of a program, that waits for its first exchange: its
// packages are not initialised yet. Its methods are called by one goroutine at a
// time, of a bubble or not.
type Process struct {
	cmd     *exec.Cmd
	to      *os.File // blocking, so that the caller waits in a system call
	from    *os.File
	output  *os.File // standard output and error
	folder  string   // of its own files: where its paths begin with /tmp, and shared folders
	read    int64    // of the output
	begun   bool
	buffer  []byte
	turn    atomic.Uint64 // odd while the process is at it
	hung    atomic.Bool
	waited  chan struct{} // closed when the process has ended
	killing sync.Once
}

// ErrHung says that a process was killed since it did not come to rest.
var ErrHung = errors.New("the process computes without end, or waits for what is outside of the simulation")

// start starts a process. It is called outside of bubbles.
func start(s *Spec) (*Process, error) {
	theirs, to, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	from, told, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, to.Close())
	}
	defer told.Close()
	output, err := os.CreateTemp("", "wtsim-program-")
	if err != nil {
		return nil, errors.Join(err, to.Close(), from.Close())
	}
	_ = os.Remove(output.Name()) // what is left is the system's to clean
	to.Fd()                      // makes it blocking, as Fd is documented to do
	from.Fd()
	p := &Process{cmd: exec.Command(s.Binary, s.Args...), to: to, from: from, output: output, waited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = s.Dir, append(append([]string{}, s.Env...), "WTSIM_PROGRAM=1")
	p.cmd.Args[0] = filepath.Base(s.Binary) // where it lies is the machine's
	p.cmd.Stdout, p.cmd.Stderr = output, output
	p.cmd.ExtraFiles = []*os.File{theirs, told}
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, to.Close(), from.Close(), output.Close())
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is asked of ProcessState
		close(p.waited)
	}()
	return p, nil
}

// Furnish makes the folder of the process's own files, before it begins: what it finds
// below /tmp, and the folders that it shares with others, in their order.
func (p *Process) Furnish(shared []string) error {
	p.folder = fmt.Sprintf("/tmp/wtsim-program-%d", p.ID()) // as package syscall of the process knows it
	err := errors.Join(os.RemoveAll(p.folder), os.MkdirAll(filepath.Join(p.folder, "tmp"), 0o700))
	for n, folder := range shared {
		err = errors.Join(err, os.Symlink(folder, filepath.Join(p.folder, fmt.Sprintf("shared-%d", n))))
	}
	return err
}

// Exchange tells a process the time, a seed for what it draws from now on (0:
// goes on as before), and what has come for it. It returns when the process is
// quiet again: with what it has done, in its order, and when its next timer is
// due (Unix nanoseconds; 0 for never). The error is [ErrHung], or io.EOF of a
// process that has ended.
func (p *Process) Exchange(now int64, seed uint64, in []Record) (next int64, out []Record, err error) {
	p.turn.Add(1)
	defer p.turn.Add(1)
	if p.begun {
		p.buffer = message(p.buffer, now, seed, in)
	} else {
		p.buffer = binary.LittleEndian.AppendUint64(p.buffer[:0], uint64(now))
		p.buffer = binary.LittleEndian.AppendUint64(p.buffer, seed)
	}
	if _, err = p.to.Write(p.buffer); err == nil {
		next, out, err = readReply(p.from)
	}
	if err == nil && !p.begun && len(in) > 0 {
		err = errors.New("the first exchange has records")
	}
	p.begun = true
	switch {
	case err != nil && p.hung.Load():
		return 0, nil, ErrHung
	case err != nil:
		return 0, nil, io.EOF
	}
	return next, out, nil
}

// Output returns what the process has printed since the last call.
func (p *Process) Output() string {
	info, err := p.output.Stat()
	if err != nil || info.Size() == p.read {
		return ""
	}
	b := make([]byte, info.Size()-p.read)
	n, _ := p.output.ReadAt(b, p.read)
	p.read += int64(n)
	return string(b[:n])
}

// Ended tells how a process has ended by itself: "exit status 2".
func (p *Process) Ended() string {
	<-p.waited
	return p.cmd.ProcessState.String()
}

// ID is the process's number, as the system has it.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Kill ends the process, if it has not ended.
func (p *Process) Kill() {
	p.killing.Do(func() {
		unwatch(p)
		_ = p.cmd.Process.Kill() // it may have ended
		_, _, _ = p.to.Close(), p.from.Close(), p.output.Close()
		if p.folder != "" {
			_ = os.RemoveAll(p.folder) // what is left is the system's to clean
		}
	})
}
