package props

import (
	"fmt"
	"reflect"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/wtsim/wtsim/event"
)

// celWindow is a window in a guard: nothing can be done with it but to ask for
// its size and its sum, so that what a guard costs does not hang on how much is
// in it. So is a stack, with its top.
type celWindow struct {
	memory Memory
	name   string
	kind   *types.Type
}

var (
	windowType = types.NewObjectType("window", traits.SizerType)
	valuesType = types.NewObjectType("window of values", traits.SizerType, traits.ContainerType)
	stackType  = types.NewObjectType("stack", traits.SizerType)
)

// windows declares what windows and stacks are asked for. CEL asks for the size of whatever
// has one.
func windows() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function(operators.In, cel.Overload("in_window_of_values", []*cel.Type{cel.DynType, valuesType}, cel.BoolType)),
		cel.Function(overloads.Size, cel.Overload("size_of_values", []*cel.Type{valuesType}, cel.IntType), cel.Overload("size_of_window", []*cel.Type{windowType}, cel.IntType), cel.Overload("size_of_stack", []*cel.Type{stackType}, cel.IntType)),
		cel.Function("top", cel.Overload("top_of_stack", []*cel.Type{stackType}, cel.DynType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			w, ok := v.(celWindow)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			top, _ := w.memory.Top(w.name) // null, if there is none
			return celValue(top)
		}))),
		cel.Function("sum", cel.Overload("sum_of_window", []*cel.Type{windowType}, cel.DynType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			if w, ok := v.(celWindow); ok {
				return celValue(w.memory.Sum(w.name))
			}
			return types.MaybeNoSuchOverloadErr(v)
		}))),
	}
}

// Size implements traits.Sizer.
func (w celWindow) Size() ref.Val { return types.Int(w.memory.Size(w.name)) }

// Contains implements traits.Container.
func (w celWindow) Contains(value ref.Val) ref.Val {
	return types.Bool(slices.ContainsFunc(w.memory.Values(w.name), func(v event.Value) bool { return celValue(v).Equal(value) == types.True }))
}

// ConvertToNative implements ref.Val.
func (w celWindow) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a %s is no %v", w.kind, t)
}

// ConvertToType implements ref.Val.
func (w celWindow) ConvertToType(t ref.Type) ref.Val {
	return types.NewErr("a %s is no %s", w.kind, t.TypeName())
}

// Equal implements ref.Val.
func (w celWindow) Equal(other ref.Val) ref.Val {
	v, ok := other.(celWindow)
	return types.Bool(ok && v.name == w.name)
}

// Type implements ref.Val.
func (w celWindow) Type() ref.Type { return w.kind }

// Value implements ref.Val.
func (w celWindow) Value() any { return w.name }
