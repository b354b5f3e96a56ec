package tidy

import (
	"bytes"
	"go/ast"
	"go/token"
	"strings"
)

// An annotation is one //wtsim:<name> <reason> that may excuse a line.
type annotation struct {
	name   excuse
	reason string
	pos    token.Pos
	line   int
	alone  bool // on its line: it speaks of the line below
	used   bool
}

// covers tells whether the annotation speaks of a line.
func (a *annotation) covers(line int) bool {
	return line == a.line || a.alone && line == a.line+1
}

// annotations returns those of one file. Others than ours may begin with
// //wtsim: too, and are none of our business.
func (t *tree) annotations(f *source) []*annotation {
	var notes []*annotation
	for _, group := range f.syntax.Comments {
		for _, c := range group.List {
			text, ok := strings.CutPrefix(c.Text, "//wtsim:")
			if !ok {
				continue
			}
			name, reason, _ := strings.Cut(text, " ")
			switch excuse(name) {
			case excuseGo, excuseOrder, excuseClock:
				notes = append(notes, &annotation{
					name:   excuse(name),
					reason: strings.TrimSpace(reason),
					pos:    c.Pos(),
					line:   t.fset.Position(c.Pos()).Line,
					alone:  t.alone(f, c),
				})
			}
		}
	}
	return notes
}

// alone tells whether a comment has no code before it on its line.
func (t *tree) alone(f *source, c *ast.Comment) bool {
	file := t.fset.File(c.Pos())
	start := file.Offset(file.LineStart(file.Line(c.Pos())))
	return len(bytes.TrimSpace(f.text[start:file.Offset(c.Pos())])) == 0
}

// badNotes reports annotations that say too little or no longer apply.
func (t *tree) badNotes(notes []*annotation) []finding {
	var out []finding
	for _, a := range notes {
		fact := "//wtsim:" + string(a.name)
		switch {
		case !a.used:
			out = append(out, t.find(a.pos, fact+" excuses nothing", "an annotation on the line it excuses", "remove it"))
		case a.reason == "":
			out = append(out, t.find(a.pos, fact+" gives no reason", fact+" <reason>", "say why the run stays the same"))
		}
	}
	return out
}
