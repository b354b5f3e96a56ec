package props

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/wtsim/wtsim/event"
)

// Guards in CEL. They see event, a map of the event's parameters, and the
// registers by name: a counter as an int, a set as a list, a last value as
// that, or null, and a window as what size and sum ask. A guard that names no register is judged once an event;
// others for each instance.
//
// What a guard says depends on nothing else: there is no clock, no time zone,
// no order of maps, and a bound on its cost. Numbers are exact (number.go), and
// whole ones and others mix: 1 and 1.0 are the same number.

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
	ages      []time.Duration
	clock     bool // it looks at the event's time
	registers []Register
}

// excluded are the functions that depend on the machine's time zones, and
// those that are replaced below.
func excluded() []*env.Function {
	var all []*env.Function
	for _, name := range []string{
		operators.Add, operators.Subtract, operators.Multiply, operators.Divide, operators.Modulo,
		operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		overloads.TypeConvertDouble, overloads.TypeConvertInt, overloads.TypeConvertUint,
	} {
		all = append(all, env.NewFunction(name))
	}
	return append(all, zoned()...)
}

// baseEnv is the environment without registers. Building it takes
// milliseconds, and only files with guards need it.
var baseEnv = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(&env.LibrarySubset{ExcludeFunctions: excluded(), IncludeMacros: []string{"has", "all", "exists", "exists_one"}})),
		cel.CrossTypeNumericComparisons(true),
		cel.Variable(eventName, cel.MapType(cel.StringType, cel.DynType)),
	}
	return cel.NewCustomEnv(slices.Concat(options, arithmetic(), comparisons(), conversions(), windows())...)
})

// realDivision is what divides where CEL knows that one of the two is a double.
const realDivision = "@divide"

// arithmetic is that of numbers, where ints and doubles mix.
func arithmetic() []cel.EnvOption {
	of := func(name string, op operation, more ...cel.FunctionOpt) cel.EnvOption {
		opts := more
		for _, a := range []*cel.Type{cel.IntType, cel.DoubleType} {
			for _, b := range []*cel.Type{cel.IntType, cel.DoubleType} {
				result := cel.DoubleType
				if a == b {
					result = a
				}
				opts = append(opts, cel.Overload(fmt.Sprintf("%s_%v_%v", op.name, a, b), []*cel.Type{a, b}, result))
			}
		}
		return cel.Function(name, append(opts, cel.SingletonBinaryBinding(func(a, b ref.Val) ref.Val {
			if x, ok := a.(types.String); ok && op.name == adding.name {
				return x.Add(b)
			}
			return arithmetically(op, a, b)
		}))...)
	}
	return []cel.EnvOption{
		of(operators.Add, adding, cel.Overload("add_string", []*cel.Type{cel.StringType, cel.StringType}, cel.StringType)),
		of(operators.Subtract, subtracting),
		of(operators.Multiply, multiplying),
		of(operators.Divide, dividing),
		of(realDivision, ratio),
		cel.Function(operators.Modulo, cel.Overload("modulo_int", []*cel.Type{cel.IntType, cel.IntType}, cel.IntType),
			cel.SingletonBinaryBinding(func(a, b ref.Val) ref.Val {
				if x, ok := a.(types.Int); ok {
					return x.Modulo(b)
				}
				return types.MaybeNoSuchOverloadErr(a)
			})),
	}
}

// comparisons order numbers exactly.
func comparisons() (all []cel.EnvOption) {
	for _, c := range []struct {
		name, operator string
		holds          func(order int) bool
	}{
		{"less", operators.Less, func(n int) bool { return n < 0 }},
		{"less_equals", operators.LessEquals, func(n int) bool { return n <= 0 }},
		{"greater", operators.Greater, func(n int) bool { return n > 0 }},
		{"greater_equals", operators.GreaterEquals, func(n int) bool { return n >= 0 }},
	} {
		var opts []cel.FunctionOpt
		add := func(a, b *cel.Type) {
			opts = append(opts, cel.Overload(fmt.Sprintf("%s_%v_%v", c.name, a, b), []*cel.Type{a, b}, cel.BoolType))
		}
		numbers := []*cel.Type{cel.IntType, cel.DoubleType, cel.UintType}
		for _, a := range numbers {
			for _, b := range numbers {
				add(a, b)
			}
		}
		for _, t := range []*cel.Type{cel.BoolType, cel.StringType, cel.BytesType, cel.TimestampType, cel.DurationType} {
			add(t, t)
		}
		add(ageType, cel.DurationType)
		add(cel.DurationType, ageType)
		all = append(all, cel.Function(c.operator, append(opts, cel.SingletonBinaryBinding(func(a, b ref.Val) ref.Val {
			if holds := compareAge(c.operator, a, b); holds != nil {
				return holds
			}
			order, err := compareValues(a, b)
			if err != nil {
				return err
			}
			return types.Bool(c.holds(order))
		}))...))
	}
	return all
}

// conversions are those to numbers, which stay exact.
func conversions() (all []cel.EnvOption) {
	for _, c := range []struct {
		name    string
		result  *cel.Type
		convert func(ref.Val) ref.Val
	}{
		{overloads.TypeConvertDouble, cel.DoubleType, toNumber},
		{overloads.TypeConvertInt, cel.IntType, toInt},
		{overloads.TypeConvertUint, cel.UintType, toUint},
	} {
		from := []*cel.Type{cel.IntType, cel.DoubleType, cel.UintType, cel.StringType}
		if c.result == cel.IntType {
			from = append(from, cel.TimestampType, cel.DurationType)
		}
		var opts []cel.FunctionOpt
		for _, t := range from {
			opts = append(opts, cel.Overload(fmt.Sprintf("%s_of_%v", c.name, t), []*cel.Type{t}, c.result))
		}
		all = append(all, cel.Function(c.name, append(opts, cel.SingletonUnaryBinding(c.convert))...))
	}
	return all
}

func toNumber(v ref.Val) ref.Val {
	switch v := v.(type) {
	case types.Int, number, types.Double:
		return v
	case types.String:
		return numberOf(string(v))
	}
	return types.MaybeNoSuchOverloadErr(v)
}

func toInt(v ref.Val) ref.Val {
	if _, ok := v.(types.Bool); ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	return v.ConvertToType(types.IntType)
}

func toUint(v ref.Val) ref.Val {
	n, ok := toInt(v).(types.Int)
	if !ok || n < 0 {
		return types.NewErr("%v is no uint", v.Value())
	}
	return n
}

// celEnv declares the registers.
func celEnv(registers []Register) (*cel.Env, error) {
	base, err := baseEnv()
	if err != nil {
		return nil, err
	}
	vars := free(registers)
	for _, r := range registers {
		if r.distinct {
			vars = append(vars, cel.Variable(r.name, valuesType))
			continue
		}
		t := map[RegisterKind]*cel.Type{SetRegister: cel.ListType(cel.DynType), CounterRegister: cel.IntType, LastRegister: cel.DynType, WindowRegister: windowType, AmountRegister: cel.DynType, StackRegister: stackType}[r.kind]
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
		if strings.HasSuffix(what, invalidInt) {
			what = "an int of more than 64 bits, wanted it with a point, such as 18446744073709551615.0, which is exact"
		}
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
	exactNumbers(checked.NativeRep(), text)
	if g.program, err = e.Program(checked, cel.CostLimit(maxGuardCost)); err != nil {
		return nil, &celError{1, 1, err.Error()}
	}
	if used {
		return &guard{desc: text, holds: g.holds, reads: g.reads, wants: g.wants, ages: g.ages}, nil
	}
	return &guard{desc: text, pass: g.pass, asks: g.wants, clock: g.clock}, nil
}

// inspect finds the parameters and whether registers are named.
func (g *celGuard) inspect(a *ast.AST) (usesRegisters bool, problem *celError) {
	optional := map[string]bool{}
	var all []string
	var clock ast.Expr
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
				if slices.Contains([]string{eventName, contextName, ageVariable}, name) || name != "" && registerNamed(g.registers, name) >= 0 {
					fail(e, fmt.Sprintf("%q is taken, wanted another name for the item", name))
				}
			}
		case ast.IdentKind:
			switch name := e.AsIdent(); {
			case registerNamed(g.registers, name) >= 0:
				usesRegisters = true
			case name == ageVariable:
				d, ok := constantAge(e)
				if usesRegisters, g.ages = true, append(g.ages, d); !ok {
					fail(e, "the age of the state is compared with no constant, wanted one such as age < duration('5s')")
				}
			case name == contextName:
				part, ok := contextPart(e)
				if !ok {
					fail(e, "the context has no such part, wanted context.source, context.type or context.time")
				}
				if part == timePart && clock == nil {
					clock = e
				} else if part != timePart {
					all, optional[contextMark+part] = with(all, []string{contextMark + part}), true
				}
			case name == eventName:
				name, tested, ok := parameter(e)
				if !ok {
					fail(e, "the event as a whole, wanted one of its parameters, such as event.amount")
					return false
				}
				all = with(all, []string{name})
				optional[name] = optional[name] || tested
			}
		}
		return false
	})
	if g.clock = clock != nil; g.clock && usesRegisters {
		fail(clock, "the event's time beside registers or the age, wanted it in a guard over the event alone")
	}
	g.reads = all
	g.wants = slices.DeleteFunc(slices.Clone(all), func(name string) bool { return optional[name] })
	return usesRegisters, problem
}

// exactNumbers makes the literals of a guard the numbers that are written
// there, and divides as doubles what CEL knows to be doubles.
func exactNumbers(a *ast.AST, text string) {
	factory := ast.NewExprFactory()
	ast.MatchDescendants(ast.NavigateAST(a), func(e ast.NavigableExpr) bool {
		switch e.Kind() {
		case ast.LiteralKind:
			switch v := e.AsLiteral().(type) {
			case types.Double:
				e.SetKindCase(factory.NewLiteral(e.ID(), literal(a, e.ID(), text, v)))
			case types.Uint:
				e.SetKindCase(factory.NewLiteral(e.ID(), numberOf(strconv.FormatUint(uint64(v), 10))))
			}
		case ast.CallKind:
			c := e.AsCall()
			isDouble := func(x ast.Expr) bool { return a.GetType(x.ID()).IsExactType(types.DoubleType) }
			if c.FunctionName() == operators.Divide && slices.ContainsFunc(c.Args(), isDouble) {
				e.SetKindCase(factory.NewCall(e.ID(), realDivision, c.Args()...))
			}
		}
		return false
	})
}

// literal returns a number as it is written: CEL has rounded it.
func literal(a *ast.AST, id int64, text string, rounded types.Double) ref.Val {
	if at, ok := a.SourceInfo().GetOffsetRange(id); ok {
		runes := []rune(text)
		written := writtenNumber.FindString(string(runes[min(int(at.Start), len(runes)):]))
		written, sign := strings.CutPrefix(written, "-")
		if strings.HasPrefix(written, ".") {
			written = "0" + written
		}
		if sign {
			written = "-" + written
		}
		if f, err := strconv.ParseFloat(written, 64); err == nil && f == float64(rounded) {
			return numberOf(written)
		}
	}
	return numberOfFloat(float64(rounded))
}

// invalidInt is what CEL says of one that has more than 64 bits.
const invalidInt = "invalid int literal"

var writtenNumber = regexp.MustCompile(`^-?\d*(\.\d+)?([eE][+-]?\d+)?`)

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
func (g *celGuard) pass(e *event.Event) (bool, error) {
	params := make(map[string]any, len(g.reads))
	for _, name := range g.reads {
		v, ok := Read(e, name)
		if ok {
			params[name] = celValue(v)
		} else if slices.Contains(g.wants, name) {
			return false, fmt.Errorf("parameter %q is missing, which guard %q names", name, g.text)
		}
	}
	out, _, err := g.program.Eval(&celInput{params: params, event: e})
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
	params    map[string]any // parts of the context too
	event     *event.Event   // of a guard over the event alone
	registers []Register
	memory    Memory
}

// ResolveName returns a variable's value.
func (in *celInput) ResolveName(name string) (any, bool) {
	if name == eventName {
		return in.params, true
	}
	i := registerNamed(in.registers, name)
	switch {
	case i < 0 && name == contextName:
		return in.context(), true
	case in.memory == nil:
		return nil, false
	case i < 0:
		return celAge{in.memory}, name == ageVariable
	}
	switch in.registers[i].kind {
	case CounterRegister:
		return types.Int(in.memory.Count(name)), true
	case LastRegister:
		if v, ok := in.memory.Last(name); ok {
			return celValue(v), true
		}
		return types.NullValue, true
	case AmountRegister:
		return celValue(in.memory.Sum(name)), true
	case WindowRegister:
		if in.registers[i].distinct {
			return celWindow{in.memory, name, valuesType}, true
		}
		return celWindow{in.memory, name, windowType}, true
	case StackRegister:
		return celWindow{in.memory, name, stackType}, true
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
		return canonicalNumber(v.Canonical().Text())
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
