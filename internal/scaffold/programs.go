package scaffold

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
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
	services
}

// Program is a package main, or a function of the Functions Framework in a package
// that has none.
type Program struct {
	Name, Package string // the folder, from Dir
	Worker        bool
	Env           map[string]string
	Routes        []Route
	On            []On
	Settings
	Deployed bool // a description of its deployment has it

	guessed  bool // what it is invoked by
	replaced bool
}

// Route is a request that a program takes.
type Route struct{ Method, Path string }

// services are what the programs are clients of.
type services struct {
	Redis, PubSub, GCS, Tasks, Eventarc bool
	At                                  []string // of the Redis
	Topics, Pulled, Buckets             []string
	Hosts                               []string // somebody else's
	Subscriptions                       []Subscription
	Queues                              []Queue
	Jobs                                []Job
}

// listed is what go list tells of a package.
type listed struct {
	ImportPath, Name, Dir string
	GoFiles, Deps         []string
	Module                *struct{ Path, Dir string }
}

// FindPrograms looks for programs in a folder and below it. It returns nil if
// there is none.
func FindPrograms(dir, schema string) (*Programs, error) {
	c := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,GoFiles,Deps,Module", "./...")
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	all := map[string]*listed{}
	var paths []string
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		l := &listed{}
		if err := d.Decode(l); err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all[l.ImportPath] = l
		paths = append(paths, l.ImportPath)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	p := &Programs{Dir: dir, Schema: schema}
	for _, path := range paths {
		l := all[path]
		if l.Module != nil {
			p.Name = l.Module.Path[strings.LastIndex(l.Module.Path, "/")+1:]
		}
		if err := p.look(l, all); err != nil {
			return nil, err
		}
	}
	described, err := describedIn(dir)
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
	return p, nil
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
		p.Programs = append(p.Programs, &Program{Name: name, Package: pkg, Env: env, Routes: r.routes, Worker: r.receives && !r.serves})
		return nil
	}
	for _, f := range own.functions {
		e := maps.Clone(env)
		e["FUNCTION_TARGET"] = f.name
		program := &Program{Name: strings.ToLower(f.name), Package: pkg, Env: e}
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
	}
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
	serves, receives                           bool
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

var yamlFile = template.Must(template.New("wtsim.yaml").Funcs(template.FuncMap{"q": strconv.Quote, "list": inYAML, "map": mapped}).Parse(
	`# yaml-language-server: $schema={{.Schema}}
# wtsim run --config wtsim.yaml
scenario: {{q (printf "%s/as-if-once" .Name)}}
services:
{{- if .Redis}}
  redis: {kind: redis{{with .At}}, at: {{list .}}{{end}}}
{{- end}}
{{- if .GCS}}
  gcs: {kind: gcs, buckets: {{list .Buckets}}}
{{- end}}
{{- if .PubSub}}
  pubsub:
    kind: pubsub
    topics: {{list .Topics}}
{{- if .Subscriptions}}
    subscriptions:
{{- range .Subscriptions}}
      - {name: {{q .Name}}, topic: {{q .Topic}}{{with .AckDeadline}}, ack-deadline: {{.}}{{end}}{{if .ExactlyOnce}}, exactly-once: true{{end}}}
{{- end}}
{{- end}}
{{- end}}
{{- if .Eventarc}}
  eventarc: {kind: eventarc}
{{- end}}
{{- if .Tasks}}
{{- if .Queues}}
  tasks:
    kind: tasks
    queues:
{{- range .Queues}}
      - {name: {{q .Name}}{{with .MaxAttempts}}, max-attempts: {{.}}{{end}}{{with .MinBackoff}}, min-backoff: {{.}}{{end}}{{with .MaxBackoff}}, max-backoff: {{.}}{{end}}}
{{- end}}
{{- else}}
  tasks: {kind: tasks, queues: []} # each as {name: work}
{{- end}}
{{- end}}
{{- range .Hosts}}
  {{q .}}: {kind: web}
{{- end}}
{{- if .Jobs}}
  scheduler:
    kind: cron
    jobs:
{{- range .Jobs}}
      - {name: {{q .Name}}, {{if .Cron}}cron: {{q .Cron}}{{else}}every: 1m{{end}}, ticks: 2{{with .Program}}, program: {{q .}}{{end}}{{with .Topic}}, topic: {{q .}}{{end}}{{with .Method}}, method: {{.}}{{end}}{{with .Path}}, path: {{q .}}{{end}}{{with .Body}}, body: {{q .}}{{end}}}
{{- end}}
{{- end}}
programs:
{{- range .Programs}}
  {{q .Name}}:
    package: {{q .Package}}
{{- if .Worker}}
    worker: true
{{- end}}
{{- if .Env}}
    environment: {{map .Env}}
{{- end}}
{{- with .Args}}
    args: {{list .}}
{{- end}}
{{- with .Port}}
    port: {{.}}
{{- end}}
{{- with .Timeout}}
    timeout: {{.}}
{{- end}}
{{- with .Concurrency}}
    concurrency: {{.}}
{{- end}}
{{- with .MaxInstances}}
    max-instances: {{.}}
{{- end}}
{{- with .MinInstances}}
    min-instances: {{.}}
{{- end}}
{{- if .AlwaysOn}}
    always-on: true
{{- end}}
{{- if .On}}
    triggers: [{{range $i, $on := .On}}{{if $i}}, {{end}}{ {{- with .Topic}}topic: {{q .}}{{end}}{{if .Push}}, push: true{{end}}{{with .Event}}event: {{q .}}{{end}}{{with .Match}}, match: {{map .}}{{end -}} }{{end}}]
{{- end}}
{{- end}}
clients:
  alice:
    retries: 2
    requests:
{{- range $p := .Programs}}{{range .Routes}}
      - {program: {{q $p.Name}}, method: {{.Method}}, path: {{q .Path}}{{if ne .Method "GET"}}, body: "{}"{{end}}}
{{- end}}{{end}}
{{- if or .Redis .GCS}}
final:
  - name: everything is done as if once
    as-if-once: {}
{{- end}}
`))

func inYAML(all []string) string {
	var out []string
	for _, s := range all {
		out = append(out, strconv.Quote(s))
	}
	return "[" + strings.Join(out, ", ") + "]"
}

func mapped(m map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, name+": "+strconv.Quote(m[name]))
	}
	return "{" + strings.Join(out, ", ") + "}"
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

// Text is the file: what the sources say, and a property that holds of most.
func (p *Programs) Text() ([]byte, error) {
	var b bytes.Buffer
	err := yamlFile.Execute(&b, p)
	return bytes.ReplaceAll(b.Bytes(), []byte("    requests:\nfinal"), []byte("    requests: []\nfinal")), err
}
