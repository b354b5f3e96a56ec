package scaffold

import (
	"encoding/json"
	"go/ast"
	"go/types"
	"net/http"
	"reflect"
	"slices"
	"strings"
)

// request is a request that a handler is likely to understand.
type request struct{ Method, Path, Body string }

// reading is what the source of a handler reads of what it is sent.
type reading struct {
	routes  []request
	methods []string
	query   []string
	body    types.Type // that it decodes
	path    bool       // it looks at the path
}

// reading looks through the bodies of functions.
func (f *finder) reading(of []types.Object) *reading {
	r := &reading{}
	for _, o := range of {
		if fn := f.bodies[o]; fn != nil {
			ast.Inspect(fn.Body, func(n ast.Node) bool {
				f.reads(r, n)
				return true
			})
		}
	}
	return r
}

func (f *finder) reads(r *reading, n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		callee, ok := n.Fun.(*ast.SelectorExpr)
		if !ok || len(n.Args) == 0 {
			return
		}
		of, ok := f.source.TypesInfo.Uses[callee.Sel].(*types.Func)
		if !ok {
			return
		}
		switch of.Name() {
		case "Handle", "HandleFunc":
			r.route(f.text(n.Args[0]))
		case "FormValue", "PostFormValue", "Get":
			if name := f.text(n.Args[0]); name != "" && (of.Name() != "Get" || strings.Contains(of.FullName(), "url.Values")) && !slices.Contains(r.query, name) {
				r.query = append(r.query, name)
			}
		case "Decode", "Unmarshal", "DataAs":
			r.decodes(f.source.TypesInfo.TypeOf(n.Args[len(n.Args)-1]))
		}
	case *ast.SelectorExpr:
		v, ok := f.source.TypesInfo.Uses[n.Sel].(*types.Var)
		r.path = r.path || ok && v.Name() == "Path" && v.Pkg() != nil && v.Pkg().Path() == "net/url"
		f.compared(r, n)
	case *ast.BasicLit:
		f.compared(r, n)
	}
}

// compared notes a method of HTTP that is named.
func (f *finder) compared(r *reading, x ast.Expr) {
	switch m := f.text(x); m {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch:
		if !slices.Contains(r.methods, m) {
			r.methods = append(r.methods, m)
		}
	}
}

// route notes the pattern of a mux.
func (r *reading) route(pattern string) {
	if pattern == "" {
		return
	}
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = "", pattern
	}
	if i := strings.IndexByte(path, '/'); i > 0 {
		path = path[i:] // a host stands before it
	}
	parts := strings.Split(strings.TrimSuffix(path, "{$}"), "/")
	for i, p := range parts {
		if strings.HasPrefix(p, "{") {
			parts[i] = strings.Trim(p, "{.}") + "-1"
		}
	}
	r.routes = append(r.routes, request{Method: method, Path: strings.Join(parts, "/")})
}

// decodes notes a type that is decoded into. An envelope of Pub/Sub is not what a
// message is about.
func (r *reading) decodes(t types.Type) {
	p, ok := t.(*types.Pointer)
	if !ok {
		return
	}
	if s, ok := p.Elem().Underlying().(*types.Struct); ok && envelope(s) {
		return
	}
	if r.body == nil {
		r.body = p.Elem()
	}
}

func envelope(s *types.Struct) bool {
	for i := range s.NumFields() {
		if strings.EqualFold(fieldName(s, i), "message") {
			_, ok := s.Field(i).Type().Underlying().(*types.Struct)
			return ok
		}
	}
	return false
}

// requests are those that the handler is tried with.
func (r *reading) requests() []request {
	routes := r.routes
	if len(routes) == 0 {
		path := "/"
		if r.path {
			path = "/example-1"
		}
		routes = []request{{Path: path}}
	}
	var all []request
	for _, x := range routes {
		methods := []string{x.Method}
		if x.Method == "" {
			methods = r.methods
		}
		if len(methods) == 0 {
			methods = []string{http.MethodGet}
			if r.body != nil {
				methods = []string{http.MethodPost}
			}
		}
		for i, name := range r.query {
			x.Path += string("?&"[min(i, 1)]) + name + "=" + name + "-1"
		}
		for _, x.Method = range methods {
			if x.Body = ""; r.body != nil && x.Method != http.MethodGet && x.Method != http.MethodDelete {
				x.Body = sampleJSON(r.body)
			}
			all = append(all, x)
		}
	}
	slices.SortStableFunc(all, func(a, b request) int { return rank(a.Method) - rank(b.Method) })
	return all
}

// rank is where a method stands: what makes something comes before what wants it.
func rank(method string) int {
	return slices.Index([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet, http.MethodDelete}, method)
}

// message is the body of a message that the handler is tried with.
func (r *reading) message() string {
	if r.body == nil {
		return `{"id":"example-1"}`
	}
	return sampleJSON(r.body)
}

// sampleJSON is a value of a type, as JSON.
func sampleJSON(t types.Type) string {
	data, err := json.Marshal(sample(t, "value", 0))
	if err != nil {
		return "{}" // cannot happen: it is made of maps, lists and plain values
	}
	return string(data)
}

// sample is a value that encodes as one of the type does.
func sample(t types.Type, name string, depth int) any {
	switch full(t) {
	case "time.Time":
		return "2026-01-01T00:00:00Z"
	case "encoding/json.RawMessage":
		return map[string]any{}
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch info := u.Info(); {
		case info&types.IsBoolean != 0:
			return true
		case info&types.IsNumeric != 0:
			return 1
		}
		return name + "-1"
	case *types.Pointer:
		return sample(u.Elem(), name, depth)
	case *types.Slice:
		if b, ok := u.Elem().Underlying().(*types.Basic); ok && b.Kind() == types.Byte {
			return []byte(name + "-1")
		}
		return []any{sample(u.Elem(), name, depth+1)}
	case *types.Struct:
		return sampleStruct(u, depth)
	}
	return map[string]any{}
}

func sampleStruct(s *types.Struct, depth int) map[string]any {
	out := map[string]any{}
	for i := range s.NumFields() {
		if name := fieldName(s, i); name != "" && depth < 5 {
			out[name] = sample(s.Field(i).Type(), name, depth+1)
		}
	}
	return out
}

// fieldName is a field's name in JSON; empty if it has none.
func fieldName(s *types.Struct, i int) string {
	if !s.Field(i).Exported() {
		return ""
	}
	name, _, _ := strings.Cut(reflect.StructTag(s.Tag(i)).Get("json"), ",")
	switch name {
	case "-":
		return ""
	case "":
		return s.Field(i).Name()
	}
	return name
}
