package scaffold

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"net/url"
	"slices"
	"strings"
)

// needs is what a scenario has to have for its handlers.
type needs struct {
	redis, gcs, pubsub, tasks bool
	draws                     bool // what is stored may hold the time, or what was drawn
	buckets, topics, hosts    []string
}

// clients are the types that a run has a value of, and how it is written.
var clients = map[string]struct{ expr, service string }{
	"*github.com/redis/go-redis/v9.Client":         {`redis.Client(env, "redis", nil)`, "redis"},
	"github.com/redis/go-redis/v9.UniversalClient": {`redis.Client(env, "redis", nil)`, "redis"},
	"github.com/redis/go-redis/v9.Cmdable":         {`redis.Client(env, "redis", nil)`, "redis"},
	"*cloud.google.com/go/storage.Client":          {`gcs.Client(env, "gcs")`, "gcs"},
	"*cloud.google.com/go/storage.BucketHandle":    {`gcs.Client(env, "gcs").Bucket("bucket")`, "gcs"},
	"*cloud.google.com/go/pubsub/v2.Client":        {`pubsub.Client(env, "pubsub")`, "pubsub"},
	"*cloud.google.com/go/pubsub/v2.Publisher":     {`pubsub.Client(env, "pubsub").Publisher("topic")`, "pubsub"},
	"*cloud.google.com/go/cloudtasks/apiv2.Client": {`tasks.Client(env, "tasks")`, "tasks"},
	"*net/http.Client":                             {`env.HTTPClient()`, ""},
	"context.Context":                              {`env.Context()`, ""},
	"*log/slog.Logger":                             {`slog.Default()`, ""},
	"*log.Logger":                                  {`log.Default()`, ""},
	"time.Duration":                                {`time.Minute`, ""},
}

// given is a value of a type, as a run has it; ok is false if it has none.
func (f *finder) given(t types.Type) (expr string, ok bool) {
	if known, ok := clients[full(t)]; ok {
		f.need(known.service)
		return known.expr, true
	}
	if b, ok := t.Underlying().(*types.Basic); ok {
		switch info := b.Info(); {
		case info&types.IsString != 0:
			return `"example"`, true
		case info&types.IsNumeric != 0:
			return "1", true
		case info&types.IsBoolean != 0:
			return "true", true
		}
	}
	return "", false
}

// need notes what a client is of, if that is a service.
func (f *finder) need(service string) {
	n := &f.needs
	switch service {
	case "redis":
		n.redis = true
	case "gcs":
		n.gcs = true
	case "pubsub":
		n.pubsub = true
	case "tasks":
		n.tasks = true
	}
}

// arguments are what a constructor is called with; why says which it cannot be.
func (f *finder) arguments(sig *types.Signature) (args []string, why string) {
	if sig.TypeParams().Len() > 0 {
		return nil, "it has type parameters; write a constructor without"
	}
	before := f.needs
	for i := range sig.Params().Len() {
		if sig.Variadic() && i == sig.Params().Len()-1 {
			break
		}
		p := sig.Params().At(i)
		value, ok := f.given(p.Type())
		if !ok {
			f.needs = before
			return nil, fmt.Sprintf("it takes a %s, which a run does not have; write its scenario by hand", short(p.Type()))
		}
		args = append(args, value)
	}
	return args, ""
}

// look finds in the package's source what its scenario needs besides what
// constructors take: clients that variables hold, names of buckets and topics,
// hosts that are called.
func (f *finder) look() {
	for _, v := range objects[*types.Var](f) {
		f.global(v)
	}
	for _, i := range f.source.Imports {
		if i.PkgPath == "time" || i.PkgPath == "github.com/google/uuid" || i.PkgPath == "math/rand/v2" || i.PkgPath == "crypto/rand" {
			f.needs.draws = true
		}
	}
	for _, file := range f.source.Syntax {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				f.named(n)
			case ast.Expr:
				f.host(n)
			}
			return true
		})
	}
	for _, list := range []*[]string{&f.needs.buckets, &f.needs.topics, &f.needs.hosts} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	if f.needs.gcs && len(f.needs.buckets) == 0 {
		f.needs.buckets = []string{"bucket"}
	}
}

// global looks at a variable of the package: what runs of one process would share
// is a program's, unless all handlers are made by a constructor.
func (f *finder) global(v *types.Var) {
	c, ok := clients[full(v.Type())]
	if !ok && !mutable(v.Type()) || ok && c.service == "" && full(v.Type()) != "*net/http.Client" {
		return
	}
	f.need(c.service)
	if slices.ContainsFunc(f.Functions, func(fn Function) bool { return len(fn.make) == 0 }) {
		f.shared = v.Name()
	}
}

// mutable reports whether a variable of a type is likely to hold what changes.
func mutable(t types.Type) bool {
	name := full(t)
	if strings.HasPrefix(name, "sync.") || strings.HasPrefix(name, "sync/atomic.") {
		return true
	}
	switch t.Underlying().(type) {
	case *types.Map, *types.Chan:
		return true
	}
	return false
}

// named notes the name that a bucket or a topic is asked for by.
func (f *finder) named(call *ast.CallExpr) {
	callee, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return
	}
	of, ok := f.source.TypesInfo.Uses[callee.Sel].(*types.Func)
	name := f.text(call.Args[0])
	if !ok || name == "" || of.Pkg() == nil {
		return
	}
	switch of.Pkg().Path() + "." + of.Name() {
	case "cloud.google.com/go/storage.Bucket":
		f.needs.buckets = append(f.needs.buckets, name)
	case "cloud.google.com/go/pubsub/v2.Publisher":
		f.needs.topics = append(f.needs.topics, name)
	}
}

// host notes the host of an address that the source writes down.
func (f *finder) host(x ast.Expr) {
	text := f.text(x)
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		return
	}
	if u, err := url.Parse(strings.ReplaceAll(text, "%", "")); err == nil && u.Hostname() != "" {
		f.needs.hosts = append(f.needs.hosts, u.Hostname())
	}
}

// text is a constant string; empty if it is none.
func (f *finder) text(x ast.Expr) string {
	if v := f.source.TypesInfo.Types[x].Value; v != nil && v.Kind() == constant.String {
		return constant.StringVal(v)
	}
	return ""
}
