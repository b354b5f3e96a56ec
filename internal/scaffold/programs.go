package scaffold

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Programs are those of a module, as its sources tell, and descriptions of its
// deployment: nothing is type-checked, so that what does not compile today can be
// looked at.
type Programs struct {
	Name     string // of the module
	Dir      string // in which wtsim.yaml stands
	Schema   string // where editors find its schema
	Programs []*Program
	Left     []string // of the descriptions, what is not taken over, and why
	Platform string   // where they run, if it is not Cloud Run
	services
}

// Program is a package main, or a function of the Functions Framework in a package
// that has none.
type Program struct {
	Name, Package string // the folder, from Dir
	Worker        bool
	Lambda        bool // it calls lambda.Start
	Env           map[string]string
	Routes        []Route
	On            []On
	Settings
	Deployed bool // a description of its deployment has it

	guessed  bool // what it is invoked by
	replaced bool
	serves   bool     // requests or messages, by other means than Lambda's
	takes    []string // the types of Lambda's events that it mentions
}

// Route is a request that a program takes.
type Route struct{ Method, Path string }

// services are what the programs are clients of.
type services struct {
	Redis, PubSub, GCS, Tasks, Eventarc bool
	Postgres, SMTP                      bool
	AWS                                 onAWS
	At                                  []string // of the Redis
	Topics, Pulled, Buckets             []string
	Hosts                               []string // somebody else's
	Subscriptions                       []Subscription
	Queues                              []Queue
	Jobs                                []Job
}

// listed is what go list tells of a package.
type listed struct {
	ImportPath, Name, Dir  string
	GoFiles, Deps, Imports []string
	Module                 *struct{ Path, Dir string }
}

// FindPrograms looks for programs in a folder and below it. It returns nil if
// there is none.
func FindPrograms(dir, schema string) (*Programs, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	p := &Programs{Dir: dir, Schema: schema}
	for _, module := range modules(dir) {
		if err := p.lookIn(module); err != nil {
			return nil, err
		}
	}
	described, err := describedIn(dir, p.Name)
	if err != nil {
		return nil, err
	}
	for _, d := range described {
		p.deploy(d)
	}
	if len(p.Programs)+len(p.Left) == 0 {
		return nil, nil
	}
	p.guess()
	p.onLambda()
	return p, nil
}

// modules are the folders in which the go command is to be asked: the folder
// itself, if it is of a module, and those below it that are modules of their own,
// as each function is of what sam init writes.
func modules(dir string) (all []string) {
	c := exec.Command("go", "env", "GOMOD")
	c.Dir = dir
	if out, err := c.Output(); err == nil && strings.HasSuffix(strings.TrimSpace(string(out)), "go.mod") {
		return []string{dir}
	}
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch name := e.Name(); {
		case err != nil:
			return nil // what cannot be read has no module for us
		case e.IsDir() && path != dir && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "vendor" || name == "testdata"):
			return filepath.SkipDir
		case name == "go.mod":
			all = append(all, filepath.Dir(path))
		}
		return nil
	})
	return all
}

// lookIn looks for the programs of a module.
func (p *Programs) lookIn(dir string) error {
	c := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,Deps,Imports,Module", "./...")
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return fmt.Errorf("go list: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	all := map[string]*listed{}
	var paths []string
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		l := &listed{}
		if err := d.Decode(l); err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		all[l.ImportPath] = l
		paths = append(paths, l.ImportPath)
	}
	for _, path := range paths {
		l := all[path]
		if l.Module != nil {
			p.Name = l.Module.Path[strings.LastIndex(l.Module.Path, "/")+1:]
		}
		if err := p.look(l, all); err != nil {
			return err
		}
	}
	return nil
}

// File is where the scenario is written.
func (p *Programs) File() string { return filepath.Join(p.Dir, "wtsim.yaml") }

// look adds what a package has.
func (p *Programs) look(l *listed, all map[string]*listed) error {
	main := l.Name == "main"
	own := &saying{}
	if err := own.read(l); err != nil {
		return err
	}
	if !main && len(own.functions) == 0 || main && p.served(l, all) {
		return nil
	}
	r := &saying{}
	for _, dep := range append(slices.Clone(l.Deps), l.ImportPath) {
		if d := all[dep]; d != nil {
			if err := r.read(d); err != nil {
				return err
			}
			if slices.ContainsFunc(d.Imports, ofSTS) {
				p.AWS.Clients = sorted(p.AWS.Clients, []string{"sts"})
			}
		}
		p.uses(dep)
	}
	p.takes(r)
	folder, err := filepath.Rel(p.Dir, l.Dir)
	if err != nil {
		return err
	}
	pkg := "./" + filepath.ToSlash(folder)
	if folder == "." {
		pkg = "."
	}
	env := p.environment(r.env)
	if main {
		name := path.Base(l.ImportPath)
		p.Programs = append(p.Programs, &Program{Name: name, Package: pkg, Env: env, Routes: r.routes, Worker: r.receives && !r.serves, Lambda: r.lambda, serves: r.serves || r.receives, takes: append(own.events, r.events...)})
		return nil
	}
	for _, f := range own.functions {
		e := maps.Clone(env)
		e["FUNCTION_TARGET"] = f.name
		program := &Program{Name: strings.ToLower(f.name), Package: pkg, Env: e, serves: true}
		if program.Routes = []Route{{"GET", "/"}}; f.event {
			program.Routes, program.On, program.guessed = nil, []On{{Topic: program.Name}}, true
			p.PubSub = true
		}
		p.Programs = append(p.Programs, program)
	}
	return nil
}

// served reports whether a package main only serves functions of a package that
// has programs of its own: it is for a developer's machine.
func (p *Programs) served(l *listed, all map[string]*listed) bool {
	if !slices.Contains(l.Deps, "github.com/GoogleCloudPlatform/functions-framework-go/funcframework") {
		return false
	}
	for _, dep := range l.Deps {
		r := &saying{}
		if d := all[dep]; d != nil && r.read(d) == nil && len(r.functions) > 0 {
			return true
		}
	}
	return false
}

// uses takes note of a package that is a client's.
func (p *Programs) uses(pkg string) {
	switch pkg {
	case "github.com/redis/go-redis/v9", "github.com/gomodule/redigo/redis", "github.com/redis/rueidis":
		p.Redis = true
	case "cloud.google.com/go/pubsub", "cloud.google.com/go/pubsub/v2":
		p.PubSub = true
	case "cloud.google.com/go/storage":
		p.GCS = true
	case "cloud.google.com/go/cloudtasks/apiv2":
		p.Tasks = true
	case "github.com/jackc/pgx/v5", "github.com/lib/pq", "github.com/jackc/pgx/v4":
		p.Postgres = true
	case "net/smtp":
		p.SMTP = true
	}
	p.usesAWS(pkg)
}

func (p *Programs) takes(r *saying) {
	for _, x := range []struct{ to, from *[]string }{{&p.Topics, &r.topics}, {&p.Pulled, &r.pulled}, {&p.Buckets, &r.buckets}, {&p.Hosts, &r.hosts}, {&p.At, &r.redis}} {
		*x.to = append(*x.to, *x.from...)
		slices.Sort(*x.to)
		*x.to = slices.Compact(*x.to)
	}
}

// environment is what variables mean that name a service.
func (p *Programs) environment(names []string) map[string]string {
	env := map[string]string{}
	for _, name := range names {
		switch about := strings.ToUpper(name); {
		case !strings.Contains(about, "REDIS"):
		case strings.HasSuffix(about, "HOST"):
			env[name] = "${redis.host}"
		case strings.HasSuffix(about, "PORT"):
			env[name] = "${redis.port}"
		case strings.HasSuffix(about, "URL"), strings.HasSuffix(about, "URI"):
			env[name] = "redis://${redis}"
		case strings.HasSuffix(about, "REDIS"), strings.HasSuffix(about, "ADDR"), strings.HasSuffix(about, "ADDRESS"):
			env[name] = "${redis}"
		}
	}
	return env
}

// saying is what sources say.
type saying struct {
	env, topics, pulled, buckets, hosts, redis []string
	routes                                     []Route
	functions                                  []registered
	events                                     []string // types of Lambda's
	serves, receives, lambda                   bool
}

type registered struct {
	name  string
	event bool
}

// read adds what the files of a package say.
func (r *saying) read(l *listed) error {
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(l.Dir, name), err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ImportSpec:
				return false
			case *ast.BasicLit:
				r.literal(n)
			case *ast.CallExpr:
				r.call(n)
			case *ast.SelectorExpr:
				if of, ok := n.X.(*ast.Ident); ok && of.Name == "events" {
					r.events = append(r.events, n.Sel.Name)
				}
			}
			return true
		})
	}
	return nil
}

var (
	redisAddress = regexp.MustCompile(`^[a-z][a-zA-Z0-9.-]*:63\d\d$`)
	otherHost    = regexp.MustCompile(`^https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(?:[/?]|$)`)
	aRoute       = regexp.MustCompile(`^(?:([A-Z]+) )?(/[^ ]*)$`)
	aParameter   = regexp.MustCompile(`\{[^}]*\}|:[a-z]\w*`)
)

func text(x ast.Expr) (string, bool) {
	l, ok := x.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

func (r *saying) literal(l *ast.BasicLit) {
	s, ok := text(l)
	switch m := otherHost.FindStringSubmatch(s); {
	case !ok:
	case redisAddress.MatchString(s):
		r.redis = append(r.redis, s)
	case m != nil && !strings.HasSuffix(m[1], ".googleapis.com") && !strings.HasSuffix(m[1], ".google.com"):
		r.hosts = append(r.hosts, m[1])
	}
}

// call takes note of what a call tells by its name and its first argument.
func (r *saying) call(c *ast.CallExpr) {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	of, _ := s.X.(*ast.Ident)
	arg, literal := "", false
	if len(c.Args) > 0 {
		arg, literal = text(c.Args[0])
	}
	switch name := s.Sel.Name; {
	case of != nil && (of.Name == "lambda" && strings.HasPrefix(name, "Start") || of.Name == "algnhsa" && name == "ListenAndServe"):
		r.lambda = true
	case name == "ListenAndServe" || name == "Serve" || name == "Start" || name == "Run":
		r.serves = true
	case name == "Receive" && len(c.Args) == 2:
		r.receives = true
	case !literal:
	case of != nil && of.Name == "os" && (name == "Getenv" || name == "LookupEnv"):
		r.env = append(r.env, arg)
	case of != nil && of.Name == "functions" && (name == "HTTP" || name == "CloudEvent"):
		r.functions = append(r.functions, registered{arg, name == "CloudEvent"})
	case name == "Publisher" || name == "Topic":
		r.topics = append(r.topics, arg)
	case name == "Subscriber" || name == "Subscription":
		r.pulled = append(r.pulled, arg)
	case name == "Bucket":
		r.buckets = append(r.buckets, arg)
	default:
		r.route(name, arg)
	}
}

func (r *saying) route(name, pattern string) {
	m := aRoute.FindStringSubmatch(pattern)
	method := strings.ToUpper(name)
	switch method {
	case "HANDLE", "HANDLEFUNC":
		method = "GET"
	case "GET", "POST", "PUT", "PATCH", "DELETE":
	default:
		return
	}
	if m == nil {
		return
	}
	if m[1] != "" {
		method = m[1]
	}
	r.routes = append(r.routes, Route{method, aParameter.ReplaceAllString(strings.TrimSuffix(m[2], "{$}"), "1")})
}

// guess adds what nobody has said, and a run needs: messages for those that take
// events, topics of what is pulled.
func (p *Programs) guess() {
	for _, x := range p.Programs {
		if x.guessed {
			p.Jobs = append(p.Jobs, Job{Name: x.On[0].Topic, Topic: x.On[0].Topic, Body: "{}"})
		}
	}
	for _, name := range p.Pulled {
		if !slices.ContainsFunc(p.Subscriptions, func(s Subscription) bool { return s.Name == name }) {
			p.Subscriptions = append(p.Subscriptions, Subscription{Name: name, Topic: name})
		}
	}
}
