package props

import (
	"fmt"
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// ageVariable is the age of a state in guards. It can be compared with a constant
// and nothing else, since what it is hangs on clocks that may differ.
const ageVariable = "age"

// celAge is the age in a guard.
type celAge struct{ memory Memory }

var ageType = types.NewObjectType("age")

// younger says for an operator between the age, on its left, and a duration which
// window is asked, and whether it must hold something.
func younger(operator string, d time.Duration) (than time.Duration, wanted bool) {
	switch operator {
	case operators.Less:
		return d, true
	case operators.LessEquals:
		return d + 1, true
	case operators.Greater:
		return d + 1, false
	}
	return d, false
}

// turned is an operator with its sides exchanged.
var turned = map[string]string{operators.Less: operators.Greater, operators.LessEquals: operators.GreaterEquals,
	operators.Greater: operators.Less, operators.GreaterEquals: operators.LessEquals}

// compareAge compares the age with a duration; nil if neither is one.
func compareAge(operator string, a, b ref.Val) ref.Val {
	if _, ok := b.(celAge); ok {
		a, b, operator = b, a, turned[operator]
	}
	age, ok := a.(celAge)
	d, isDuration := b.(types.Duration)
	if !ok || !isDuration {
		return nil
	}
	than, wanted := younger(operator, d.Duration)
	return types.Bool(age.memory.Size(ageName(than)) > 0 == wanted)
}

// constantAge finds what an occurrence of the age is compared with.
func constantAge(e ast.NavigableExpr) (d time.Duration, ok bool) {
	parent, there := e.Parent()
	if !there || parent.Kind() != ast.CallKind || turned[parent.AsCall().FunctionName()] == "" {
		return 0, false
	}
	operator, args := parent.AsCall().FunctionName(), parent.AsCall().Args()
	other := args[1]
	if args[1].ID() == e.ID() {
		other, operator = args[0], turned[operator]
	}
	if other.Kind() != ast.CallKind || other.AsCall().FunctionName() != "duration" || other.AsCall().Args()[0].Kind() != ast.LiteralKind {
		return 0, false
	}
	text, isText := other.AsCall().Args()[0].AsLiteral().(types.String)
	d, err := time.ParseDuration(string(text))
	d, _ = younger(operator, d)
	return d, isText && err == nil && d > 0
}

// context is what a guard sees of the event besides its parameters.
func (in *celInput) context() map[string]any {
	all := map[string]any{}
	if in.event != nil {
		all[timePart] = types.Timestamp{Time: in.event.Time.UTC()}
	}
	for part := range contextParts { //wtsim:order a map again
		all[part] = in.params[contextMark+part]
	}
	return all
}

// contextPart returns which part of the context is asked for.
func contextPart(e ast.NavigableExpr) (name string, ok bool) {
	name, tested, ok := parameter(e)
	return name, ok && !tested && (name == timePart || contextParts[name] != nil)
}

// zoned are the overloads that depend on the machine's time zones. What they do
// without a zone is in UTC.
func zoned() (all []*env.Function) {
	for _, x := range [][2]string{
		{overloads.TimeGetDate, overloads.TimestampToDayOfMonthOneBasedWithTz}, {overloads.TimeGetDayOfMonth, overloads.TimestampToDayOfMonthZeroBasedWithTz},
		{overloads.TimeGetDayOfWeek, overloads.TimestampToDayOfWeekWithTz}, {overloads.TimeGetDayOfYear, overloads.TimestampToDayOfYearWithTz},
		{overloads.TimeGetFullYear, overloads.TimestampToYearWithTz}, {overloads.TimeGetMonth, overloads.TimestampToMonthWithTz},
		{overloads.TimeGetHours, overloads.TimestampToHoursWithTz}, {overloads.TimeGetMinutes, overloads.TimestampToMinutesWithTz},
		{overloads.TimeGetSeconds, overloads.TimestampToSecondsWithTz}, {overloads.TimeGetMilliseconds, overloads.TimestampToMillisecondsWithTz},
	} {
		all = append(all, env.NewFunction(x[0], env.NewOverload(x[1], nil, nil)))
	}
	return all
}

// ConvertToNative implements ref.Val.
func (celAge) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("an age is no %v", t)
}

// ConvertToType implements ref.Val.
func (celAge) ConvertToType(t ref.Type) ref.Val { return types.NewErr("an age is no %s", t.TypeName()) }

// Equal implements ref.Val.
func (celAge) Equal(ref.Val) ref.Val { return types.False }

// Type implements ref.Val.
func (celAge) Type() ref.Type { return ageType }

// Value implements ref.Val.
func (celAge) Value() any { return ageVariable }

// free are the variables that no register has the name of.
func free(registers []Register) (vars []cel.EnvOption) {
	if registerNamed(registers, contextName) < 0 {
		vars = append(vars, cel.Variable(contextName, cel.MapType(cel.StringType, cel.DynType)))
	}
	if registerNamed(registers, ageVariable) < 0 {
		vars = append(vars, cel.Variable(ageVariable, ageType))
	}
	return vars
}
