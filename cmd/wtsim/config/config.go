// Package config reads scenarios that are data: wtsim.yaml, which names programs,
// what triggers them, the services that they use, the requests of clients, rules
// and properties. docs/programs.md describes it.
package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// file is what a file holds.
type file struct {
	Scenario   string             `yaml:"scenario" doc:"its name, such as shop/charged-twice"`
	Doc        string             `yaml:"doc" doc:"what it is about, in a line"`
	Platform   string             `yaml:"platform" doc:"where the programs run; Cloud Run, if it is not said"`
	Expect     string             `yaml:"expect" doc:"what a search finds: that the properties hold, or a violation"`
	Deviations int                `yaml:"deviations" doc:"how many deviations the smallest counterexample has, where a violation is expected"`
	Services   ordered[service]   `yaml:"services" doc:"what programs use, and what invokes them, by name"`
	Programs   ordered[programme] `yaml:"programs" doc:"what is deployed, by name, which is its host name too"`
	Clients    ordered[client]    `yaml:"clients" doc:"who asks, by name; clients are concurrent, the requests of one are in order"`
	Rules      []probe.Rule       `yaml:"rules" doc:"which operations are events"`
	Properties string             `yaml:"properties" doc:"the file of the properties, from this file's folder"`
	Final      []final            `yaml:"final" doc:"what holds of the stores at the end of a run"`
	Inputs     ordered[input]     `yaml:"inputs" doc:"what a search draws anew for each schedule, by name; ${name} in a request stands for it"`
	Faults     faults             `yaml:"faults" doc:"what the platform may do; everything, if it is not said"`
	Environ    map[string]string  `yaml:"environment" doc:"what the environment has besides; ${service}, ${service.host} and ${service.port} stand for a service's address"`
	Relies     []string           `yaml:"relies" doc:"the guarantees of the services without which the properties would not hold"`
	Meant      []string           `yaml:"meant" doc:"what a search takes for a mistake in this file, and is none"`
	Horizon    duration           `yaml:"horizon" doc:"virtual time after which a run is given up"`
	Steps      int                `yaml:"steps" doc:"steps after which a run is given up"`

	dir string // the file's, from which it names others
}

// programme is a function that is a program.
type programme struct {
	Package      string            `yaml:"package" doc:"the import path, or the folder from this file's, of a package main, or of one with functions of the Functions Framework"`
	Args         []string          `yaml:"args" doc:"flags, and what else follows the program's name"`
	Env          map[string]string `yaml:"environment" doc:"what the environment has besides; ${service}, ${service.host} and ${service.port} stand for a service's address"`
	Dir          string            `yaml:"directory" doc:"the working directory, from this file's folder; the package's, if it is not said"`
	Shared       []string          `yaml:"shared" doc:"folders whose files all instances share, such as a mounted volume; what is below /tmp is an instance's own"`
	Port         int               `yaml:"port" doc:"at which it gets its requests: 8080, and PORT says so"`
	Worker       bool              `yaml:"worker" doc:"it gets no requests: it runs from the beginning, and is started again when it ends"`
	Triggers     []trigger         `yaml:"triggers" doc:"what invokes it besides requests"`
	Timeout      duration          `yaml:"timeout" doc:"of a request"`
	Concurrency  int               `yaml:"concurrency" doc:"requests that an instance serves at the same time"`
	MaxInstances int               `yaml:"max-instances" doc:"instances at most"`
	MinInstances int               `yaml:"min-instances" doc:"instances at least"`
	ColdStart    duration          `yaml:"cold-start" doc:"how long an instance takes to start, before it runs"`
	Front        string            `yaml:"front" doc:"what stands before a program of Lambda: function-url, if it is not said"`
	Routes       []string          `yaml:"routes" doc:"of an HTTP API or a REST API, such as GET /orders/{id}; all, if there are none"`
	AlwaysOn     bool              `yaml:"always-on" doc:"it has CPU outside of requests too"`
}

type client struct {
	Requests []request `yaml:"requests" doc:"one after the other"`
	Retries  int       `yaml:"retries" doc:"how often the client repeats a request that has failed"`
	Backoff  duration  `yaml:"backoff" doc:"the time before a repetition"`
}

type request struct {
	Program string            `yaml:"program" doc:"which is asked; the only one, if it is not said"`
	Method  string            `yaml:"method" doc:"POST, if it is not said"`
	Path    string            `yaml:"path" doc:"/, if it is not said"`
	Header  map[string]string `yaml:"header"`
	Body    string            `yaml:"body"`
	Times   string            `yaml:"times" doc:"how often it is made: a number, or an input that is one"`
	Told    []told            `yaml:"told" doc:"which answers are events, of what the client knows then"`
}

type faults struct {
	Kinds    []string `yaml:"kinds" doc:"which kinds of deviation, see wtsim faults"`
	Most     int      `yaml:"most" doc:"how many faults a run may have: 3, if it is not said"`
	Programs []string `yaml:"programs" doc:"what is deployed, by name, which is its host name too"`
	Services []string `yaml:"services" doc:"what programs use, and what invokes them, by name"`
	Skew     duration `yaml:"skew" doc:"how far the clocks of instances may be off"`
	Outage   duration `yaml:"outage" doc:"how long a service may be down"`
}

// platforms by the names that they have in a file.
var platforms = map[string]func() cloud.Platform{
	"":                  gcp.CloudRun,
	"cloud-run":         gcp.CloudRun,
	"cloud-functions":   gcp.CloudFunctions,
	"cloud-functions-1": gcp.CloudFunctions1,
	lambda:              aws.Lambda,
}

const lambda = "lambda"

// fronts are what may stand before a program of Lambda.
var fronts = map[string]func(routes ...string) aws.Front{
	"function-url": func(...string) aws.Front { return aws.FunctionURL() },
	"http-api":     aws.HTTPAPI,
	"rest-api":     aws.RestAPI,
	"alb":          func(...string) aws.Front { return aws.ALB() },
}

// behind is the platform, with what stands before programs.
func (f *file) behind(platform cloud.Platform) (cloud.Platform, error) {
	told := map[string]aws.Front{}
	for _, x := range f.Programs {
		front, ok := fronts[x.value.Front]
		switch {
		case x.value.Routes != nil && x.value.Front != "http-api" && x.value.Front != "rest-api":
			return platform, fmt.Errorf("programs: %s: it has routes, wanted front http-api or rest-api for them", x.name)
		case x.value.Front == "":
			continue
		case f.Platform != lambda:
			return platform, fmt.Errorf("programs: %s: it has a front, wanted platform lambda for that", x.name)
		case !ok:
			return platform, fmt.Errorf("programs: %s: front %q, wanted function-url, http-api, rest-api or alb", x.name, x.value.Front)
		}
		told[x.name] = front(x.value.Routes...)
	}
	if len(told) == 0 {
		return platform, nil
	}
	return aws.LambdaBehind(told), nil
}

// Load reads a file. Folders in it are looked for from the file's own.
func Load(name string) (sim.Scenario, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return sim.Scenario{}, err
	}
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return sim.Scenario{}, fmt.Errorf("%s:%w", name, wrong(err))
	}
	s, err := f.scenario(filepath.Dir(name))
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func (f *file) scenario(dir string) (s sim.Scenario, err error) {
	f.dir = dir
	platform, ok := platforms[f.Platform]
	switch {
	case f.Scenario == "":
		return s, fmt.Errorf("no \"scenario\", wanted its name")
	case !ok:
		return s, fmt.Errorf("platform %q, wanted cloud-run, cloud-functions, cloud-functions-1 or lambda", f.Platform)
	case len(f.Programs) == 0:
		return s, fmt.Errorf("no programs, wanted at least one under \"programs\"")
	case f.Expect != "" && f.Expect != "holds" && f.Expect != "violation":
		return s, fmt.Errorf("expect is %q, wanted holds or violation", f.Expect)
	}
	s = sim.Scenario{Name: f.Scenario, Doc: f.Doc, Platform: platform(), Expect: sim.Expect{Violation: f.Expect == "violation", Deviations: f.Deviations},
		Relies: f.Relies, Meant: f.Meant, Horizon: time.Duration(f.Horizon), MaxSteps: f.Steps, Environ: environment(f.Environ),
		Faults: sim.Faults{Kinds: f.Faults.Kinds, Most: f.Faults.Most, Functions: f.Faults.Programs, Services: f.Faults.Services,
			Skew: time.Duration(f.Faults.Skew), Outage: time.Duration(f.Faults.Outage)}}
	if s.Platform, err = f.behind(s.Platform); err != nil {
		return s, err
	}
	for _, x := range f.Services {
		v, err := x.value.declare(x.name, f)
		if err != nil {
			return s, fmt.Errorf("services: %s: %w", x.name, err)
		}
		s.Services = append(s.Services, v)
	}
	for _, x := range f.Programs {
		p, err := x.value.function(x.name, f)
		if err != nil {
			return s, fmt.Errorf("programs: %s: %w", x.name, err)
		}
		s.Functions = append(s.Functions, p)
	}
	if err := f.workload(&s); err != nil {
		return s, err
	}
	s.Rules = append(s.Rules, f.Rules...)
	if f.Properties != "" {
		if s.Properties, err = properties(filepath.Join(dir, f.Properties)); err != nil {
			return s, err
		}
	}
	for i := range f.Final {
		p, err := f.Final[i].property()
		if err != nil {
			return s, fmt.Errorf("final: %w", err)
		}
		s.Properties = append(s.Properties, p)
	}
	return s, nil
}

// workload makes the clients, or what draws them.
func (f *file) workload(s *sim.Scenario) error {
	for _, x := range f.Inputs {
		if err := x.value.check(); err != nil {
			return fmt.Errorf("inputs: %s: %w", x.name, err)
		}
	}
	for _, x := range f.Clients {
		c, err := x.value.client(x.name, f, f.simplest())
		if err != nil {
			return fmt.Errorf("clients: %s: %w", x.name, err)
		}
		s.Clients = append(s.Clients, c)
	}
	s.Generate = f.generate()
	return nil
}

func properties(name string) ([]*props.Property, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("properties: %w", err)
	}
	return props.Parse(name, text)
}

func (p *programme) function(name string, in *file) (sim.Function, error) {
	pkg := p.Package
	if pkg == "" {
		return sim.Function{}, fmt.Errorf("no \"package\", wanted the import path or the folder of a package main")
	}
	if strings.HasPrefix(pkg, ".") {
		var err error
		if pkg, err = filepath.Abs(filepath.Join(in.dir, pkg)); err != nil {
			return sim.Function{}, err
		}
	}
	work := p.Dir
	if work != "" && !filepath.IsAbs(work) {
		work = filepath.Join(in.dir, work)
	}
	f := sim.Function{Name: name, Timeout: time.Duration(p.Timeout), Concurrency: p.Concurrency, MaxInstances: p.MaxInstances, MinInstances: p.MinInstances,
		ColdStart: time.Duration(p.ColdStart), AlwaysOn: p.AlwaysOn,
		Main: &sim.Main{Package: pkg, Args: p.Args, Env: environment(p.Env), Dir: work, Shared: p.Shared, Port: p.Port, Worker: p.Worker}}
	for i := range p.Triggers {
		t, err := p.Triggers[i].declare(in)
		if err != nil {
			return f, err
		}
		f.Triggers = append(f.Triggers, t)
	}
	return f, nil
}

// client makes requests to the only program where they name none.
func (c *client) client(name string, f *file, drawn map[string]string) (sim.Client, error) {
	out := sim.Client{Name: name, Retries: c.Retries, Backoff: time.Duration(c.Backoff)}
	for _, given := range c.Requests {
		r, err := given.filled(drawn)
		if err != nil {
			return out, err
		}
		if r.Program == "" && len(f.Programs) == 1 {
			r.Program = f.Programs[0].name
		}
		told, err := r.tells()
		if err != nil {
			return out, err
		}
		times, err := r.times(drawn)
		if err != nil {
			return out, err
		}
		for range times {
			out.Requests = append(out.Requests, sim.Request{Function: r.Program, Method: r.Method, Path: r.Path, Header: r.Header, Body: r.Body, Told: told})
		}
	}
	return out, nil
}

// environment is a map as NAME=value, in order of names.
func environment(m map[string]string) (out []string) {
	for name, value := range m {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out
}
