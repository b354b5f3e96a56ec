package scaffold

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/constant"
	"go/printer"
	"go/types"
	"strings"
)

const framework = "github.com/GoogleCloudPlatform/functions-framework-go/functions"

// registrations finds what is registered with the Functions Framework.
func (f *finder) registrations() {
	for _, file := range f.source.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && len(call.Args) == 2 {
				f.registration(call)
			}
			return true
		})
	}
}

func (f *finder) registration(call *ast.CallExpr) {
	callee, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	of := f.source.TypesInfo.Uses[callee.Sel]
	if of == nil || of.Pkg() == nil || of.Pkg().Path() != framework {
		return
	}
	name := "function"
	if v := f.source.TypesInfo.Types[call.Args[0]].Value; v != nil && v.Kind() == constant.String {
		name = constant.StringVal(v)
	}
	fn := Function{Name: name, Of: fmt.Sprintf("functions.%s(%q)", of.Name(), name), function: true, event: of.Name() == "CloudEvent"}
	switch {
	case of.Name() != "HTTP" && of.Name() != "CloudEvent":
		f.left(fn.Of, "a form that no scenario has; wanted functions.HTTP or functions.CloudEvent")
		return
	case !f.reachable(call.Args[1]):
		f.left(fn.Of, "what is registered has no name that a test could call it by; give the function a name of its own")
		return
	}
	var text bytes.Buffer
	_ = printer.Fprint(&text, f.source.Fset, call.Args[1])
	fn.expr = text.String()
	f.add(fn, f.mentioned(call.Args[1])...)
}

// reachable reports whether an expression is made of names of the package alone.
func (f *finder) reachable(x ast.Expr) bool {
	ok := true
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			ok = false
		case *ast.Ident:
			o := f.source.TypesInfo.Uses[n]
			_, isPackage := o.(*types.PkgName)
			ok = ok && !isPackage && o != nil && (o.Parent() == f.scope || o.Parent() == types.Universe)
		}
		return ok
	})
	return ok
}

// mentioned are the package's own functions and variables that a piece of source
// uses; they are marked as such.
func (f *finder) mentioned(n ast.Node) (all []types.Object) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			if o := f.source.TypesInfo.Uses[id]; o != nil && o.Pkg() == f.source.Types && !f.used[o] {
				f.used[o] = true
				all = append(all, o)
				if body := f.bodies[o]; body != nil {
					all = append(all, f.mentioned(body.Body)...)
				}
			}
		}
		return true
	})
	return all
}

// constructors finds functions that make handlers. Those that cannot be called
// are told, unless one that can uses them: what wraps handlers, say.
func (f *finder) constructors() {
	left := map[*types.Func]string{}
	for _, fn := range objects[*types.Func](f) {
		sig := fn.Signature()
		if n := sig.Results().Len(); n == 0 || n > 2 || n == 2 && sig.Results().At(1).Type().String() != "error" {
			continue
		}
		made := sig.Results().At(0).Type()
		methods := f.handlerMethods(made)
		if !isHandler(made) && len(methods) == 0 || f.used[fn] {
			continue
		}
		named := namedOf(made)
		if named != nil {
			f.made[named.Obj().Name()] = true
		}
		args, why := f.arguments(sig)
		if why != "" {
			left[fn] = why
			continue
		}
		call := fmt.Sprintf("%s(%s)", fn.Name(), strings.Join(args, ", "))
		lines := []string{"h := " + call}
		if sig.Results().Len() == 2 {
			lines = []string{"h, err := " + call, "if err != nil {", "return cloud.Handler{}, err", "}"}
		}
		f.served(fn.Name(), strings.TrimPrefix(strings.TrimPrefix(fn.Name(), "New"), "new"), lines, made, methods, fn)
	}
	for fn, why := range left {
		if !f.used[fn] {
			f.left(fn.Name(), why)
		}
	}
}

// served adds what a value serves: itself, or its methods.
func (f *finder) served(of, name string, lines []string, made types.Type, methods []*types.Func, by types.Object) {
	bodies := []types.Object{}
	if by != nil {
		bodies = append(bodies, by)
		f.used[by] = true
		if body := f.bodies[by]; body != nil {
			bodies = append(bodies, f.mentioned(body.Body)...)
		}
	}
	if isHandler(made) {
		if serve, _, _ := types.LookupFieldOrMethod(made, true, f.source.Types, "ServeHTTP"); serve != nil {
			bodies = append(bodies, f.withCallees(serve)...)
		}
		if name == "" {
			name = f.Name
		}
		f.add(Function{Name: name, Of: of, make: lines, expr: "h"}, bodies...)
		return
	}
	for _, m := range methods {
		if f.used[m] {
			continue
		}
		f.add(Function{Name: m.Name(), Of: of + "." + m.Name(), make: lines, expr: "h." + m.Name(), function: true, event: isEvents(m.Signature())}, f.withCallees(m)...)
	}
}

// withCallees is a function and what it uses of the package.
func (f *finder) withCallees(o types.Object) []types.Object {
	f.used[o] = true
	all := []types.Object{o}
	if body := f.bodies[o]; body != nil {
		all = append(all, f.mentioned(body.Body)...)
	}
	return all
}

// structs finds types that no function makes, and a run can.
func (f *finder) structs() {
	for _, t := range objects[*types.TypeName](f) {
		named, ok := t.Type().(*types.Named)
		if !ok || t.IsAlias() || named.TypeParams().Len() > 0 || f.made[t.Name()] || types.IsInterface(named) {
			continue
		}
		made := types.NewPointer(named)
		methods := f.handlerMethods(made)
		if !isHandler(made) && len(methods) == 0 {
			continue
		}
		fields, ok := named.Underlying().(*types.Struct)
		if !ok {
			f.left(t.Name(), "it is no struct, and nothing makes it; write a constructor of it")
			continue
		}
		var values []string
		why := ""
		for field := range fields.Fields() {
			value, ok := f.given(field.Type())
			switch {
			case ok:
				values = append(values, field.Name()+": "+value)
			case field.Exported() && why == "":
				why = fmt.Sprintf("its field %s is a %s, which a run does not have; write a constructor that makes one", field.Name(), short(field.Type()))
			}
		}
		if why != "" {
			f.left(t.Name(), why)
			continue
		}
		f.served(t.Name(), t.Name(), []string{fmt.Sprintf("h := &%s{%s}", t.Name(), strings.Join(values, ", "))}, made, methods, nil)
	}
}

// variables finds handlers that the package has made. The types that they are
// made of are not looked at again.
func (f *finder) variables() {
	for _, v := range objects[*types.Var](f) {
		if isHandler(v.Type()) && !f.used[v] {
			f.initialised(v)
			f.add(Function{Name: v.Name(), Of: v.Name(), expr: v.Name()}, f.withCallees(v)...)
		}
	}
}

// initialised marks what a variable is made of.
func (f *finder) initialised(v *types.Var) {
	for _, i := range f.source.TypesInfo.InitOrder {
		if len(i.Lhs) != 1 || i.Lhs[0] != v {
			continue
		}
		ast.Inspect(i.Rhs, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if t, ok := f.source.TypesInfo.Uses[id].(*types.TypeName); ok {
					f.made[t.Name()] = true
				}
			}
			return true
		})
	}
}

// plain finds functions that are handlers.
func (f *finder) plain() {
	for _, fn := range objects[*types.Func](f) {
		if sig := fn.Signature(); !f.used[fn] && (isRequests(sig) || isEvents(sig)) {
			f.add(Function{Name: fn.Name(), Of: fn.Name(), expr: fn.Name(), function: true, event: isEvents(sig)}, f.withCallees(fn)...)
		}
	}
}

// handlerMethods are the methods of a type of the package that serve requests or
// take events, but for ServeHTTP, in order of name.
func (f *finder) handlerMethods(t types.Type) (all []*types.Func) {
	named := namedOf(t)
	if named == nil || named.Obj().Pkg() != f.source.Types {
		return nil
	}
	set := types.NewMethodSet(types.NewPointer(named))
	for method := range set.Methods() {
		m, ok := method.Obj().(*types.Func)
		if ok && m.Name() != "ServeHTTP" && m.Pkg() == f.source.Types && (isRequests(m.Signature()) || isEvents(m.Signature())) {
			all = append(all, m)
		}
	}
	return all
}

func namedOf(t types.Type) *types.Named {
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, _ := types.Unalias(t).(*types.Named)
	return named
}

// isHandler reports whether values of a type are http.Handlers.
func isHandler(t types.Type) bool {
	m, _, _ := types.LookupFieldOrMethod(t, true, nil, "ServeHTTP")
	serve, ok := m.(*types.Func)
	return ok && isRequests(serve.Signature())
}

// isRequests reports whether a signature is that of a handler of requests.
func isRequests(s *types.Signature) bool {
	return s.Params().Len() == 2 && s.Results().Len() == 0 && s.TypeParams().Len() == 0 &&
		full(s.Params().At(0).Type()) == "net/http.ResponseWriter" && full(s.Params().At(1).Type()) == "*net/http.Request"
}

// isEvents reports whether a signature is that of a function that takes events.
func isEvents(s *types.Signature) bool {
	return s.Params().Len() == 2 && s.Results().Len() == 1 && s.TypeParams().Len() == 0 && full(s.Params().At(0).Type()) == "context.Context" &&
		full(s.Params().At(1).Type()) == "github.com/cloudevents/sdk-go/v2/event.Event" && s.Results().At(0).Type().String() == "error"
}

// full is a type's name with its package's path.
func full(t types.Type) string { return types.TypeString(types.Unalias(t), nil) }

// short is a type's name as its users write it.
func short(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string { return p.Name() })
}
