package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// An excuse is the name of an annotation, //wtsim:<name> <reason>, that lets
// one line do what is banned. It stands at the end of the line, or alone on
// the line above.
type excuse string

const (
	noExcuse    excuse = ""
	excuseGo    excuse = "go"    // starts a goroutine
	excuseOrder excuse = "order" // iterates in map order
	excuseClock excuse = "clock" // reads the clock
)

// A ban is on the use of a function, called or not.
type ban struct {
	want   string
	help   string
	excuse excuse
}

var (
	banClock = ban{"the time of the run", "take the time as an argument, or an event's own", excuseClock}
	banRand  = ban{"numbers from the run's seed", "draw from a *rand.Rand that is seeded and passed in", noExcuse}
	banGo    = ban{"one thing at a time", "let the caller, or the scheduler, decide what goes on", excuseGo}
	banOrder = ban{"one order in every run", "iterate over sorted keys: slices.Sorted(maps.Keys(m))", excuseOrder}
)

// bans are the banned functions by full name; the drawing functions of
// math/rand are told by rule (see banOf).
var bans = map[string]ban{
	"time.Now":   banClock,
	"time.Since": banClock,
	"time.Until": banClock,

	// Goroutines that do not look like one.
	"time.AfterFunc":                            banGo,
	"(*sync.WaitGroup).Go":                      banGo,
	"(*golang.org/x/sync/errgroup.Group).Go":    banGo,
	"(*golang.org/x/sync/errgroup.Group).TryGo": banGo,

	// Map order that does not look like it.
	"maps.All":                 banOrder,
	"maps.Keys":                banOrder,
	"maps.Values":              banOrder,
	"(*sync.Map).Range":        banOrder,
	"(reflect.Value).MapKeys":  banOrder,
	"(reflect.Value).MapRange": banOrder,
}

// sorters take a sequence and give it an order of its own.
var sorters = []string{"slices.Sorted", "slices.SortedFunc", "slices.SortedStableFunc"}

// bannedCalls checks the packages that a run depends on, tests aside. An
// annotation without a reason, or with nothing to excuse, is a finding too.
func bannedCalls(t *tree, table []layer, external types.Importer) []finding {
	var dirs []string
	for _, dir := range t.dirs() {
		if l, ok := row(table, dir); ok && l.run {
			dirs = append(dirs, dir)
		}
	}
	info := resolve(t, external, dirs)
	var out []finding
	for _, dir := range dirs {
		for _, f := range t.shipped(dir) {
			v := &banVisitor{t: t, info: info, notes: t.annotations(f), ordered: make(map[ast.Expr]bool)}
			ast.Inspect(f.syntax, v.visit)
			out = append(out, v.out...)
			out = append(out, t.badNotes(v.notes)...)
		}
	}
	return sorted(out)
}

// A banVisitor looks for what is banned in one file.
type banVisitor struct {
	t       *tree
	info    *types.Info
	notes   []*annotation
	ordered map[ast.Expr]bool // operands of sorters: their order does not matter
	out     []finding
}

func (v *banVisitor) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		v.report(n.Pos(), "bare go statement", banGo)
	case *ast.RangeStmt:
		v.mapRange(n)
	case *ast.CallExpr: // before the names within, see ast.Inspect
		v.sorter(n)
	case *ast.SelectorExpr:
		if v.ordered[n] {
			return false
		}
	case *ast.Ident:
		fn, ok := v.info.Uses[n].(*types.Func)
		if !ok || v.ordered[n] {
			break
		}
		if b, ok := banOf(fn.Origin()); ok {
			v.report(n.Pos(), "use of "+fn.Origin().FullName(), b)
		}
	}
	return true
}

// banOf returns the ban on a function. All functions of math/rand draw from a
// source that is seeded at random, or seed it, save the constructors.
func banOf(fn *types.Func) (ban, bool) {
	if b, ok := bans[fn.FullName()]; ok {
		return b, true
	}
	if fn.Pkg() == nil || fn.Signature().Recv() != nil || strings.HasPrefix(fn.Name(), "New") {
		return ban{}, false
	}
	p := fn.Pkg().Path()
	return banRand, p == "math/rand" || p == "math/rand/v2"
}

// sorter notes that slices.Sorted(maps.Keys(m)) is what we want.
func (v *banVisitor) sorter(call *ast.CallExpr) {
	fn, ok := v.info.Uses[callee(call)].(*types.Func)
	if !ok || !slices.Contains(sorters, fn.FullName()) {
		return
	}
	if inner, ok := ast.Unparen(call.Args[0]).(*ast.CallExpr); ok {
		v.ordered[ast.Unparen(inner.Fun)] = true
	}
}

// callee returns the name that a call calls, or nil.
func callee(call *ast.CallExpr) *ast.Ident {
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return fun
	case *ast.SelectorExpr:
		return fun.Sel
	}
	return nil
}

// mapRange reports a range over a map. One that takes neither key nor value
// sees no order.
func (v *banVisitor) mapRange(n *ast.RangeStmt) {
	t := v.info.TypeOf(n.X)
	switch {
	case t == nil || t == types.Typ[types.Invalid]:
		// A tree that builds has no such place, so that nothing is passed over.
		v.out = append(v.out, v.t.find(n.Pos(), "range over something of unknown type", "a package that type-checks", "build it first"))
	case n.Key != nil && isMap(t):
		v.report(n.Pos(), fmt.Sprintf("range over a map (%s)", types.TypeString(t, (*types.Package).Name)), banOrder)
	}
}

// isMap tells whether ranging over the type may be ranging over a map; for a
// type parameter, whether one of the types that its constraint lists is a map.
func isMap(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface:
		for e := range u.EmbeddedTypes() {
			if isMap(e) {
				return true
			}
		}
	case *types.Union:
		for term := range u.Terms() {
			if isMap(term.Type()) {
				return true
			}
		}
	}
	return false
}

// report adds a finding unless the line is excused.
func (v *banVisitor) report(pos token.Pos, fact string, b ban) {
	if b.excuse == noExcuse {
		v.out = append(v.out, v.t.find(pos, fact, b.want, b.help))
		return
	}
	line := v.t.fset.Position(pos).Line
	for _, a := range v.notes {
		if a.name == b.excuse && a.covers(line) {
			a.used = true
			return
		}
	}
	v.out = append(v.out, v.t.find(pos, fact, b.want, fmt.Sprintf("%s, or excuse the line with //wtsim:%s and the reason", b.help, b.excuse)))
}
