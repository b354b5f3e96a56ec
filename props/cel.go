package props

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/wtsim/wtsim/event"
)

// Guards in CEL. They see event, a map of the event's parameters, and the
// registers by name: a counter as an int, a set as a list, a last value as
// that, or null. A guard that names no register is judged once an event;
// others for each instance.
//
// What a guard says depends on nothing else: there is no clock, no time zone,
// no order of maps, and a bound on its cost. Numbers that are whole are ints,
// others doubles, and the two mix: 1 and 1.0 are the same number.

// maxGuardCost bounds the steps of one evaluation, in CEL's own unit; a
// comparison costs 1.
const maxGuardCost = 10_000

// eventName is the variable that holds the parameters.
const eventName = "event"

// celError is a mistake in an expression, with its place there, from 1.
type celError struct {
	line, column int
	what         string
}

// Error returns the mistake without its place, which the file's is.
func (e *celError) Error() string { return e.what }

// celGuard is a compiled expression.
type celGuard struct {
	text      string
	program   cel.Program
	reads     []string // parameters
	wants     []string // those not under has()
	registers []Register
}

// excluded are the functions that depend on the machine's time zones, and
// those that are replaced below.
func excluded() []*env.Function {
	var all []*env.Function
	for _, name := range []string{
		"getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getFullYear", "getHours", "getMilliseconds", "getMinutes", "getMonth", "getSeconds",
		operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo,
	} {
		all = append(all, env.NewFunction(name))
	}
	return all
}

// baseEnv is the environment without registers. Building it takes
// milliseconds, and only files with guards need it.
var baseEnv = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(&env.LibrarySubset{ExcludeFunctions: excluded(), IncludeMacros: []string{"has", "all", "exists", "exists_one"}})),
		cel.CrossTypeNumericComparisons(true),
		cel.Variable(eventName, cel.MapType(cel.StringType, cel.DynType)),
	}
	return cel.NewCustomEnv(append(options, arithmetic()...)...)
})

// arithmetic lets ints and doubles mix, which CEL's own operators do not.
func arithmetic() []cel.EnvOption {
	num := []*cel.Type{cel.IntType, cel.DoubleType}
	of := func(name, short string, apply func(a, b ref.Val) ref.Val, more ...*cel.Type) cel.EnvOption {
		var opts []cel.FunctionOpt
		for _, a := range num {
			for _, b := range num {
				result := cel.DoubleType
				if a == b {
					result = a
				}
				opts = append(opts, cel.Overload(fmt.Sprintf("%s_%v_%v", short, a, b), []*cel.Type{a, b}, result))
			}
		}
		for _, t := range more {
			opts = append(opts, cel.Overload(fmt.Sprintf("%s_%s", short, t.DeclaredTypeName()), []*cel.Type{t, t}, t))
		}
		return cel.Function(name, append(opts, cel.SingletonBinaryBinding(func(a, b ref.Val) ref.Val { return apply(mixed(a, b)) }))...)
	}
	return []cel.EnvOption{
		of(operators.Add, "add", func(a, b ref.Val) ref.Val {
			if x, ok := a.(traits.Adder); ok {
				return x.Add(b)
			}
			return types.MaybeNoSuchOverloadErr(a)
		}, cel.StringType),
		of(operators.Subtract, "subtract", func(a, b ref.Val) ref.Val {
			if x, ok := a.(traits.Subtractor); ok {
				return x.Subtract(b)
			}
			return types.MaybeNoSuchOverloadErr(a)
		}),
		of(operators.Multiply, "multiply", func(a, b ref.Val) ref.Val {
			if x, ok := a.(traits.Multiplier); ok {
				return x.Multiply(b)
			}
			return types.MaybeNoSuchOverloadErr(a)
		}),
		of(operators.Divide, "divide", func(a, b ref.Val) ref.Val {
			if x, ok := a.(traits.Divider); ok {
				return x.Divide(b)
			}
			return types.MaybeNoSuchOverloadErr(a)
		}),
		cel.Function(operators.Modulo, cel.Overload("modulo_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType),
			cel.SingletonBinaryBinding(func(a, b ref.Val) ref.Val {
				if x, ok := a.(traits.Modder); ok {
					return x.Modulo(b)
				}
				return types.MaybeNoSuchOverloadErr(a)
			})),
	}
}

// mixed makes two numbers of two kinds doubles.
func mixed(a, b ref.Val) (ref.Val, ref.Val) {
	x, xInt := a.(types.Int)
	y, yInt := b.(types.Int)
	_, xDouble := a.(types.Double)
	_, yDouble := b.(types.Double)
	switch {
	case xInt && yDouble:
		return types.Double(x), b
	case xDouble && yInt:
		return a, types.Double(y)
	}
	return a, b
}

// celEnv declares the registers.
func celEnv(registers []Register) (*cel.Env, error) {
	base, err := baseEnv()
	if err != nil {
		return nil, err
	}
	var vars []cel.EnvOption
	for _, r := range registers {
		t := map[RegisterKind]*cel.Type{SetRegister: cel.ListType(cel.DynType), CounterRegister: cel.IntType, LastRegister: cel.DynType}[r.kind]
		vars = append(vars, cel.Variable(r.name, t))
	}
	return base.Extend(vars...)
}

// compileCEL compiles a guard.
func compileCEL(text string, registers []Register) (*guard, *celError) {
	e, err := celEnv(registers)
	if err != nil {
		return nil, &celError{1, 1, err.Error()}
	}
	checked, issues := e.Compile(text)
	if issues != nil && issues.Err() != nil {
		first := issues.Errors()[0]
		for _, x := range issues.Errors() {
			if x.Location.Line() < first.Location.Line() || x.Location.Line() == first.Location.Line() && x.Location.Column() < first.Location.Column() {
				first = x
			}
		}
		what := strings.Join(strings.Fields(first.Message), " ")
		return nil, &celError{max(first.Location.Line(), 1), max(first.Location.Column()+1, 1), what}
	}
	g := &celGuard{text: text, registers: registers}
	if t := checked.OutputType(); !t.IsExactType(cel.BoolType) && !t.IsExactType(cel.DynType) {
		return nil, &celError{1, 1, fmt.Sprintf("the guard is a value of type %v, wanted a condition", t)}
	}
	used, problem := g.inspect(checked.NativeRep())
	if problem != nil {
		return nil, problem
	}
	if g.program, err = e.Program(checked, cel.CostLimit(maxGuardCost)); err != nil {
		return nil, &celError{1, 1, err.Error()}
	}
	if used {
		return &guard{desc: text, holds: g.holds, reads: g.reads, wants: g.wants}, nil
	}
	return &guard{desc: text, pass: g.pass}, nil
}

// inspect finds the parameters and whether registers are named.
func (g *celGuard) inspect(a *ast.AST) (usesRegisters bool, problem *celError) {
	optional := map[string]bool{}
	var all []string
	fail := func(e ast.Expr, what string) {
		if problem == nil {
			at := a.SourceInfo().GetStartLocation(e.ID())
			problem = &celError{max(at.Line(), 1), at.Column() + 1, what}
		}
	}
	ast.MatchDescendants(ast.NavigateAST(a), func(e ast.NavigableExpr) bool {
		switch e.Kind() {
		case ast.ComprehensionKind:
			c := e.AsComprehension()
			for _, name := range []string{c.IterVar(), c.IterVar2()} {
				if name == eventName || name != "" && registerNamed(g.registers, name) >= 0 {
					fail(e, fmt.Sprintf("%q is taken, wanted another name for the item", name))
				}
			}
		case ast.IdentKind:
			if registerNamed(g.registers, e.AsIdent()) >= 0 {
				usesRegisters = true
			}
			if e.AsIdent() != eventName {
				return false
			}
			name, tested, ok := parameter(e)
			if !ok {
				fail(e, "the event as a whole, wanted one of its parameters, such as event.amount")
				return false
			}
			all = with(all, []string{name})
			optional[name] = optional[name] || tested
		}
		return false
	})
	g.reads = all
	g.wants = slices.DeleteFunc(slices.Clone(all), func(name string) bool { return optional[name] })
	return usesRegisters, problem
}

// parameter returns which parameter an occurrence of event asks for.
func parameter(e ast.NavigableExpr) (name string, tested, ok bool) {
	parent, there := e.Parent()
	if !there {
		return "", false, false
	}
	switch parent.Kind() {
	case ast.SelectKind:
		s := parent.AsSelect()
		return s.FieldName(), s.IsTestOnly(), s.Operand().ID() == e.ID()
	case ast.CallKind:
		c := parent.AsCall()
		if c.FunctionName() != operators.Index || c.Args()[0].ID() != e.ID() || c.Args()[1].Kind() != ast.LiteralKind {
			return "", false, false
		}
		text, isString := c.Args()[1].AsLiteral().(types.String)
		return string(text), false, isString
	}
	return "", false, false
}

// pass judges a guard over the event alone. What it names must be there.
func (g *celGuard) pass(d event.Data) (bool, error) {
	params := make(map[string]any, len(g.reads))
	for _, name := range g.reads {
		v, ok := d.Get(name)
		if ok {
			params[name] = celValue(v)
		} else if slices.Contains(g.wants, name) {
			return false, fmt.Errorf("parameter %q is missing, which guard %q names", name, g.text)
		}
	}
	out, _, err := g.program.Eval(&celInput{params: params})
	if err != nil {
		return false, fmt.Errorf("guard %q: %s", g.text, strings.Join(strings.Fields(err.Error()), " "))
	}
	b, ok := out.(types.Bool)
	if !ok {
		return false, fmt.Errorf("guard %q is a %v here, wanted a condition", g.text, out.Type())
	}
	return bool(b), nil
}

// holds judges a guard over registers. One that cannot be computed, say
// because there is no last value yet, does not hold.
func (g *celGuard) holds(m Memory) bool {
	params := make(map[string]any, len(g.reads))
	for _, name := range g.reads {
		if v, ok := m.Param(name); ok {
			params[name] = celValue(v)
		}
	}
	out, _, err := g.program.Eval(&celInput{params: params, registers: g.registers, memory: m})
	b, ok := out.(types.Bool)
	return err == nil && ok && bool(b)
}

// celInput gives variables their values.
type celInput struct {
	params    map[string]any
	registers []Register
	memory    Memory
}

// ResolveName returns a variable's value.
func (in *celInput) ResolveName(name string) (any, bool) {
	if name == eventName {
		return in.params, true
	}
	i := registerNamed(in.registers, name)
	if i < 0 || in.memory == nil {
		return nil, false
	}
	switch in.registers[i].kind {
	case CounterRegister:
		return types.Int(in.memory.Count(name)), true
	case LastRegister:
		if v, ok := in.memory.Last(name); ok {
			return celValue(v), true
		}
		return types.NullValue, true
	}
	var all []ref.Val
	for _, v := range in.memory.Values(name) {
		all = append(all, celValue(v))
	}
	return types.NewRefValList(types.DefaultTypeAdapter, all), true
}

// Parent returns no other variables.
func (in *celInput) Parent() cel.Activation { return nil }

// celValue converts a parameter so that equal values are equal.
func celValue(v event.Value) ref.Val {
	switch v.Kind() {
	case event.Bool:
		return types.Bool(v.Text() == "true")
	case event.String:
		return types.String(v.Text())
	case event.Number:
		return celNumber(v.Canonical().Text())
	case event.Composite:
		return celTree(v.Tree())
	}
	return types.NullValue
}

func celTree(t event.Tree) ref.Val {
	switch {
	case t.Items != nil:
		return celList(t.Items)
	case t.Fields != nil:
		return celMap(t.Fields)
	}
	return celValue(t.Value)
}

func celNumber(text string) ref.Val {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return types.Int(n)
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(f, 0) {
		return types.NewErr("%s is no number", text)
	}
	return types.Double(f)
}

func celList(items []event.Tree) ref.Val {
	list := make([]ref.Val, len(items))
	for i, item := range items {
		list[i] = celTree(item)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, list)
}

func celMap(fields []event.Branch) ref.Val {
	m := make(map[ref.Val]ref.Val, len(fields))
	names := make([]string, len(fields))
	for i, f := range fields {
		m[types.String(f.Name)], names[i] = celTree(f.Tree), f.Name
	}
	return object{types.NewRefValMap(types.DefaultTypeAdapter, m), names}
}

// object is a map that is gone through in order of its names. What a guard
// costs, and of which member its error tells, must not change from run to run.
type object struct {
	traits.Mapper
	names []string
}

// Iterator goes through the names.
func (o object) Iterator() traits.Iterator {
	names := make([]ref.Val, len(o.names))
	for i, n := range o.names {
		names[i] = types.String(n)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, names).Iterator()
}
