package rewind

import (
	"encoding/json"
	"fmt"

	"github.com/google/go-dap"
)

// wanted is the breakpoints that the editor wants, in any run. It knows each by
// one number, whatever delve calls it in which run.
type wanted struct {
	files      []string // in the order in which they came
	inFile     map[string]dap.SetBreakpointsArguments
	functions  []dap.FunctionBreakpoint
	exceptions json.RawMessage

	numbers map[string]int // the editor's, by where it is
	of      map[int]int    // the editor's, by that of the delve there is
}

func newWanted() wanted {
	return wanted{inFile: map[string]dap.SetBreakpointsArguments{}, numbers: map[string]int{}, of: map[int]int{}}
}

// breakpoints takes what the editor wants.
func (s *session) breakpoints(m message) error {
	answer, err := s.delve.ask(m.Command, m.Arguments)
	if err != nil {
		return err
	}
	if answer.ok() {
		s.wanted.take(m, &answer)
	}
	s.editor.pass(m, answer)
	return nil
}

// take remembers what a request wants, and has its answer say it in the editor's
// numbers.
func (w *wanted) take(m message, answer *message) {
	switch m.Command {
	case "setBreakpoints":
		a := part[dap.SetBreakpointsArguments](m.Arguments)
		if _, ok := w.inFile[a.Source.Path]; !ok {
			w.files = append(w.files, a.Source.Path)
		}
		w.inFile[a.Source.Path] = a
		answer.Body = raw(w.numbered(answer, namesIn(a)))
	case "setFunctionBreakpoints":
		w.functions = part[dap.SetFunctionBreakpointsArguments](m.Arguments).Breakpoints
		answer.Body = raw(w.numbered(answer, namesOf(w.functions)))
	default:
		w.exceptions = m.Arguments
	}
}

func namesIn(a dap.SetBreakpointsArguments) (names []string) {
	for _, b := range a.Breakpoints {
		names = append(names, fmt.Sprintf("%s:%d:%d", a.Source.Path, b.Line, b.Column))
	}
	return names
}

func namesOf(functions []dap.FunctionBreakpoint) (names []string) {
	for _, f := range functions {
		names = append(names, f.Name)
	}
	return names
}

// numbered is an answer in the editor's numbers.
func (w *wanted) numbered(answer *message, names []string) dap.SetBreakpointsResponseBody {
	body := part[dap.SetBreakpointsResponseBody](answer.Body)
	for i := range min(len(body.Breakpoints), len(names)) {
		b := &body.Breakpoints[i]
		if b.Id == 0 { // there is none
			continue
		}
		if w.numbers[names[i]] == 0 {
			w.numbers[names[i]] = len(w.numbers) + 1
		}
		w.of[b.Id] = w.numbers[names[i]]
		b.Id = w.numbers[names[i]]
	}
	return body
}

// told is what the editor calls those that were hit.
func (w *wanted) told(hit []int) (numbers []int) {
	for _, id := range hit {
		if n, ok := w.of[id]; ok {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// set sets all in a delve that may be another one.
func (w *wanted) set(d *delve) error {
	clear(w.of)
	for _, file := range w.files {
		m, err := d.must("setBreakpoints", w.inFile[file])
		if err != nil {
			return err
		}
		w.numbered(&m, namesIn(w.inFile[file]))
	}
	if w.exceptions != nil {
		if _, err := d.must("setExceptionBreakpoints", w.exceptions); err != nil {
			return err
		}
	}
	m, err := d.must("setFunctionBreakpoints", dap.SetFunctionBreakpointsArguments{Breakpoints: append([]dap.FunctionBreakpoint{}, w.functions...)})
	w.numbered(&m, namesOf(w.functions))
	return err
}

// clear takes those in files out of a delve.
func (w *wanted) clear(d *delve) error {
	for _, file := range w.files {
		a := w.inFile[file]
		a.Breakpoints = []dap.SourceBreakpoint{}
		if _, err := d.must("setBreakpoints", a); err != nil {
			return err
		}
	}
	return nil
}

// functionsAnd sets a breakpoint at a function, beside those that are set at
// others if also is true, and returns delve's number of it.
func (w *wanted) functionsAnd(d *delve, function string, also bool) (int, error) {
	all := []dap.FunctionBreakpoint{{Name: function}}
	if also {
		all = append(all, w.functions...)
	}
	m, err := d.must("setFunctionBreakpoints", dap.SetFunctionBreakpointsArguments{Breakpoints: all})
	if err != nil {
		return 0, err
	}
	set := part[dap.SetFunctionBreakpointsResponseBody](m.Body).Breakpoints
	if len(set) == 0 || !set[0].Verified {
		return 0, fmt.Errorf("the program has no function %s", function)
	}
	w.numbered(&m, append([]string{""}, namesOf(w.functions)...)) // the editor never sees ""
	return set[0].Id, nil
}
