package sctbench

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/scheduler"
)

// steps are those that a task of a name has done in any run so far.
type steps struct {
	run    int // the newest run that has such a task
	labels map[string]*labelled
}

// labelled are the steps of a label: they are numbered.
type labelled struct {
	run   int // that has come to count of them
	count int
	steps []*named
}

// named is a step, and the identity of the decision after it. It is never
// changed: records and sources of several runs may refer to it.
type named struct {
	scheduler.Transition
	after string
}

// steps are those of a task that this run begins.
func (r *runner) steps(task string) *steps {
	s := r.names[task]
	if s == nil {
		s = &steps{labels: map[string]*labelled{}}
		r.names[task] = s
	}
	if s.run == r.runs {
		panic("two tasks are called " + task)
	}
	s.run = r.runs
	return s
}

// next is the next step with a label.
func (s *steps) next(t *Task, label string, touches []scheduler.Touch) *named {
	l := s.labels[label]
	if l == nil {
		l = &labelled{}
		s.labels[strings.Clone(label)] = l
	}
	if l.run != s.run {
		l.run, l.count = s.run, 0
	}
	if l.count++; l.count > len(l.steps) {
		l.steps = append(l.steps, nil)
	}
	at := &l.steps[l.count-1]
	if *at == nil || !slices.Equal((*at).Touches, touches) {
		*at = newNamed(t, label+"/"+strconv.Itoa(l.count), append([]scheduler.Touch(nil), touches...))
	}
	return *at
}

func newNamed(t *Task, label string, touches []scheduler.Touch) *named {
	name := t.name + ":" + label
	return &named{scheduler.Transition{Name: name, Task: t.name, Site: t.role + ":" + label, Touches: touches}, "after " + name}
}
