package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wtsim/wtsim/internal/scaffold"
)

const initExamples = `  wtsim init                 for the handlers of the module in this folder
  wtsim init ./shop          for those in a folder, and below it
  wtsim init --dry-run       say what would be written, and show it`

// initOptions are the flags of `wtsim init`.
type initOptions struct {
	asJSON bool
	dryRun bool
	dir    string
}

func (a *app) init(args []string) (int, error) {
	o := &initOptions{dir: "."}
	f := a.flags("init", " [DIR] [flags]", initExamples)
	f.BoolVar(&o.dryRun, "dry-run", false, "write nothing: show the files")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a file, then a summary")
	if done, err := parse(f, args, "[DIR]"); done || err != nil {
		return exitHeld, err
	}
	if f.NArg() > 0 {
		o.dir = f.Arg(0)
	}
	if info, err := os.Stat(o.dir); err != nil || !info.IsDir() {
		return 0, fmt.Errorf("init: %s is no folder, wanted one of a module", o.dir)
	}
	programs, err := scaffold.FindPrograms(o.dir, schemaID())
	if err != nil {
		return 0, fmt.Errorf("init: %w", err)
	}
	s := &started{Kind: "summary"}
	if programs == nil || programs.Platform == "" { // whose handlers a test in Go can call
		if err := a.startTests(o, s); err != nil {
			return 0, fmt.Errorf("init: %w", err)
		}
	}
	if err := a.startPrograms(o, s, programs); err != nil {
		return 0, fmt.Errorf("init: %w", err)
	}
	if s.Functions == 0 {
		a.leftOut(s)
		return 0, fmt.Errorf("init: no handler is found below %s, wanted an http.Handler, a function that has its signature or takes a CloudEvent, a program that calls lambda.Start, or something that makes one of what a run has; see docs/scenarios.md", o.dir)
	}
	if o.asJSON {
		return exitHeld, encoder(a.stdout).Encode(s)
	}
	a.leftOut(s)
	fmt.Fprint(a.stdout, s.next())
	return exitHeld, nil
}

// started is what init has done.
type started struct {
	Kind      string   `json:"kind"` // "summary"
	Files     int      `json:"files"`
	Kept      int      `json:"kept"` // that were there already
	Functions int      `json:"functions"`
	Left      []string `json:"left,omitempty"` // what was left out, and why
	Next      string   `json:"next"`           // the command that tries it
}

// startedFile is a file of init's.
type startedFile struct {
	Kind      string   `json:"kind"` // "file"
	File      string   `json:"file"`
	Lines     int      `json:"lines"`
	Kept      bool     `json:"kept,omitempty"` // it was there already, and is as it was
	Functions []string `json:"functions"`      // as deployed
	Text      string   `json:"text,omitempty"` // of --dry-run
}

// schemaID is where editors find the schema of wtsim.yaml.
func schemaID() string {
	if configSchema == nil {
		return ""
	}
	return configSchema.ID
}

// startTests writes a test in each package that has handlers.
func (a *app) startTests(o *initOptions, s *started) error {
	found, err := scaffold.Find(o.dir)
	if err != nil {
		return err
	}
	for _, p := range found {
		if err := a.start(o, s, p); err != nil {
			return err
		}
	}
	return nil
}

// startPrograms writes the file of a module's programs, if it has any.
func (a *app) startPrograms(o *initOptions, s *started, p *scaffold.Programs) error {
	if p == nil {
		return nil
	}
	s.Left = append(s.Left, p.Left...)
	if len(p.Programs) == 0 {
		return nil
	}
	text, err := p.Text()
	if err != nil {
		return err
	}
	out := startedFile{Kind: "file", File: shown(p.File()), Lines: bytes.Count(text, []byte("\n"))}
	for _, x := range p.Programs {
		out.Functions = append(out.Functions, x.Name)
	}
	if s.Next == "" {
		s.Next = "wtsim run --config " + out.File
	}
	return a.startFile(o, s, p.File(), text, out)
}

// start writes the file of a package.
func (a *app) start(o *initOptions, s *started, p *scaffold.Package) error {
	s.Left = append(s.Left, p.Left...)
	if len(p.Functions) == 0 {
		return nil
	}
	text, err := p.Text()
	if err != nil {
		return err
	}
	out := startedFile{Kind: "file", File: shown(p.File()), Lines: bytes.Count(text, []byte("\n"))}
	for _, fn := range p.Functions {
		out.Functions = append(out.Functions, fn.Name)
	}
	s.Next = "go mod tidy && go test ./..."
	return a.startFile(o, s, p.File(), text, out)
}

// startFile writes a file that is not there, and tells of it.
func (a *app) startFile(o *initOptions, s *started, path string, text []byte, out startedFile) error {
	_, err := os.Stat(path)
	if out.Kept = err == nil; !o.dryRun && !out.Kept {
		if err := writeNew(path, text); err != nil {
			return err
		}
	}
	if o.dryRun {
		out.Text = string(text)
	}
	s.Functions += len(out.Functions)
	s.Files++
	if out.Kept {
		s.Files, s.Kept = s.Files-1, s.Kept+1
	}
	if o.asJSON {
		return encoder(a.stdout).Encode(out)
	}
	_, err = io.WriteString(a.stdout, out.words(o.dryRun))
	return err
}

// writeNew writes a file that is not there.
func writeNew(path string, text []byte) error {
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = w.Write(text)
	return errors.Join(err, w.Close())
}

// shown is a path as its user would write it.
func shown(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}

func (f *startedFile) words(dryRun bool) string {
	did := "wrote"
	switch {
	case f.Kept:
		did = "kept, it was there already:"
	case dryRun:
		did = "would write"
	}
	text := fmt.Sprintf("%s %s, %d lines:", did, f.File, f.Lines)
	for _, name := range f.Functions {
		text += " " + name
	}
	if dryRun {
		return text + "\n\n" + f.Text + "\n"
	}
	return text + "\n"
}

// leftOut tells what looks like a handler, and could not be made.
func (a *app) leftOut(s *started) {
	for _, why := range s.Left {
		fmt.Fprintf(a.stderr, "wtsim: left out: %s\n", why)
	}
}

func (s *started) next() string { return "\nnext:  " + s.Next + "\n" }
