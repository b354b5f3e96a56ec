package scaffold

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"path"
	"slices"
	"strings"
	"text/template"
)

//go:embed test.go.tmpl
var testText string

var testTemplate = template.Must(template.New("test").Parse(testText))

// file is what the template fills in.
type file struct {
	*Package
	Title                       string
	Imports                     []string
	Services, Masks             []string
	Deploys                     []deploy
	Requests                    []asked
	HTTP, Events, Stores, Hosts bool
}

// deploy is a function in the scenario.
type deploy struct {
	Name, Of string
	Env      string // the constructor's parameter
	Make     []string
	Handler  string
	Topic    string // that invokes it; empty of one that requests invoke
}

// asked is a request of the client.
type asked struct{ Function, Method, Path, Body string }

// Text is the package's test file. The error is a mistake of ours.
func (p *Package) Text() ([]byte, error) {
	x := &file{Package: p, Title: path.Base(p.Path)}
	x.Stores = p.needs.redis || p.needs.gcs
	x.Hosts = len(p.needs.hosts) > 0
	for _, fn := range p.Functions {
		x.deploy(fn)
	}
	x.services()
	if x.Stores && p.needs.draws {
		x.Masks = []string{`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, `\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^ ",]*`, `\b17\d{8,17}\b`}
	}
	names := x.imports()
	var out bytes.Buffer
	if err := testTemplate.Execute(&out, x); err != nil {
		return nil, err
	}
	text := out.String()
	for old, unlike := range names { // whose name the package has for something else
		text = strings.ReplaceAll(text, "\x00"+old+".", unlike+".")
	}
	formatted, err := format.Source([]byte(strings.ReplaceAll(text, "\x00", "")))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Path, err)
	}
	return formatted, nil
}

func (x *file) deploy(fn Function) {
	d := deploy{Name: fn.Name, Of: fn.Of, Env: "_"}
	for _, line := range fn.make {
		if strings.Contains(line, "env") {
			d.Env = "env"
		}
		d.Make = append(d.Make, qualified(line))
	}
	switch {
	case fn.event:
		x.Events = true
		d.Topic, d.Handler = fn.Name, fmt.Sprintf("wtsimHandled(%s)", fn.expr)
		x.Requests = slices.Clip(x.Requests)
	default:
		x.HTTP = true
		d.Handler = qualified(fmt.Sprintf("cloud.HTTP(%s)", fn.handler()))
		for _, r := range fn.requests {
			x.Requests = append(x.Requests, asked{fn.Name, r.Method, r.Path, r.Body})
		}
	}
	x.Deploys = append(x.Deploys, d)
}

// handler is the expression of an http.Handler.
func (fn Function) handler() string {
	if fn.function {
		return "http.HandlerFunc(" + fn.expr + ")"
	}
	return fn.expr
}

// services are what the scenario declares.
func (x *file) services() {
	n := &x.needs
	add := func(wanted bool, expr string) {
		if wanted {
			x.Services = append(x.Services, qualified(expr))
		}
	}
	add(n.redis, `redis.New("redis")`)
	add(n.gcs, `gcs.New("gcs", `+quoted(n.buckets)+`)`)
	topics := ""
	if len(n.topics) > 0 {
		topics = ".Topics(" + quoted(n.topics) + ")"
	}
	add(n.pubsub || x.Events, `pubsub.New("pubsub")`+topics)
	add(n.tasks, `tasks.New("tasks").With(tasks.Queue{Name: "queue"})`)
	for _, host := range n.hosts {
		add(true, fmt.Sprintf("web.New(%q, wtsimThirdParty)", host))
	}
	if !x.Events {
		return
	}
	jobs := "cron.New(\"scheduler\").With(\n"
	for _, fn := range x.Functions {
		if fn.event {
			jobs += fmt.Sprintf("cron.Job{Name: %q, Every: time.Minute, Ticks: 2, Topic: %q, Request: cloud.Request{Body: %s}},\n", fn.Name, fn.Name, raw(fn.body))
		}
	}
	add(true, jobs+")")
}

func quoted(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(out, ", ")
}

// raw is a string as people read JSON in Go.
func raw(s string) string {
	if strings.ContainsAny(s, "`") {
		return fmt.Sprintf("%q", s)
	}
	return "`" + s + "`"
}

// Raw is [raw] for the template.
func (asked) Raw(s string) string { return raw(s) }

// ours are the packages that a generated file may import, by name.
var ours = map[string]string{
	"cloud": "github.com/wtsim/wtsim/cloud", "gcp": "github.com/wtsim/wtsim/cloud/gcp", "probe": "github.com/wtsim/wtsim/probe",
	"props": "github.com/wtsim/wtsim/props", "sim": "github.com/wtsim/wtsim/sim", "simtest": "github.com/wtsim/wtsim/sim/simtest",
	"redis": "github.com/wtsim/wtsim/fakes/redis", "gcs": "github.com/wtsim/wtsim/fakes/gcs", "pubsub": "github.com/wtsim/wtsim/fakes/pubsub",
	"tasks": "github.com/wtsim/wtsim/fakes/tasks", "web": "github.com/wtsim/wtsim/fakes/web", "cron": "github.com/wtsim/wtsim/fakes/cron",
	"event": "github.com/cloudevents/sdk-go/v2/event", "context": "context", "fmt": "fmt", "http": "net/http", "io": "io", "testing": "testing",
	"time": "time", "slog": "log/slog", "log": "log",
}

// qualified marks the names of packages in an expression of ours.
func qualified(expr string) string {
	for _, name := range []string{"cloud", "redis", "gcs", "pubsub", "tasks", "web", "cron", "http", "time", "slog", "log"} {
		for _, before := range []string{"", " ", "(", "&", "\n"} {
			if before == "" {
				if strings.HasPrefix(expr, name+".") {
					expr = "\x00" + expr
				}
				continue
			}
			expr = strings.ReplaceAll(expr, before+name+".", before+"\x00"+name+".")
		}
	}
	return expr
}

// imports fills in what the file imports, and returns the names that have to be
// others because the package has them.
func (x *file) imports() (renamed map[string]string) {
	renamed = map[string]string{}
	used := []string{"cloud", "gcp", "props", "sim", "simtest", "testing"}
	add := func(wanted bool, names ...string) {
		if wanted {
			used = append(used, names...)
		}
	}
	text := strings.Join(x.Services, "\n")
	for _, d := range x.Deploys {
		text += "\n" + d.Handler + "\n" + strings.Join(d.Make, "\n")
	}
	for _, name := range []string{"redis", "gcs", "pubsub", "tasks", "web", "cron", "time", "slog", "log", "http"} {
		add(strings.Contains(text, "\x00"+name+"."), name)
	}
	add(x.HTTP, "fmt")
	add(x.Events, "context", "event", "probe", "pubsub")
	add(x.Hosts, "http", "io")
	slices.Sort(used)
	var standard, others []string
	for _, name := range slices.Compact(used) {
		line := fmt.Sprintf("%q", ours[name])
		if x.scope.Lookup(name) != nil {
			renamed[name] = "wtsim_" + name
			line = renamed[name] + " " + line
		}
		if strings.Contains(ours[name], ".") {
			others = append(others, line)
		} else {
			standard = append(standard, line)
		}
	}
	x.Imports = append(append(standard, ""), others...)
	return renamed
}
