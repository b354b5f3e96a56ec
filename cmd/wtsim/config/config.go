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
	"github.com/wtsim/wtsim/cloud/gcp"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/props"
	"github.com/wtsim/wtsim/sim"
)

// file is what a file holds.
type file struct {
	Scenario   string             `yaml:"scenario"`
	Doc        string             `yaml:"doc"`
	Platform   string             `yaml:"platform"`
	Expect     string             `yaml:"expect"`
	Deviations int                `yaml:"deviations"`
	Services   ordered[service]   `yaml:"services"`
	Programs   ordered[programme] `yaml:"programs"`
	Clients    ordered[client]    `yaml:"clients"`
	Rules      []probe.Rule       `yaml:"rules"`
	Properties string             `yaml:"properties"`
	Faults     faults             `yaml:"faults"`
	Environ    map[string]string  `yaml:"environment"`
	Relies     []string           `yaml:"relies"`
	Meant      []string           `yaml:"meant"`
	Horizon    duration           `yaml:"horizon"`
	Steps      int                `yaml:"steps"`
}

// programme is a function that is a program.
type programme struct {
	Package      string            `yaml:"package"`
	Args         []string          `yaml:"args"`
	Env          map[string]string `yaml:"environment"`
	Dir          string            `yaml:"directory"`
	Port         int               `yaml:"port"`
	Worker       bool              `yaml:"worker"`
	Triggers     []trigger         `yaml:"triggers"`
	Timeout      duration          `yaml:"timeout"`
	Concurrency  int               `yaml:"concurrency"`
	MaxInstances int               `yaml:"max-instances"`
	MinInstances int               `yaml:"min-instances"`
	ColdStart    duration          `yaml:"cold-start"`
	AlwaysOn     bool              `yaml:"always-on"`
}

type client struct {
	Requests []request `yaml:"requests"`
	Retries  int       `yaml:"retries"`
	Backoff  duration  `yaml:"backoff"`
}

type request struct {
	Program string            `yaml:"program"`
	Method  string            `yaml:"method"`
	Path    string            `yaml:"path"`
	Header  map[string]string `yaml:"header"`
	Body    string            `yaml:"body"`
}

type faults struct {
	Kinds    []string `yaml:"kinds"`
	Most     int      `yaml:"most"`
	Programs []string `yaml:"programs"`
	Services []string `yaml:"services"`
	Skew     duration `yaml:"skew"`
	Outage   duration `yaml:"outage"`
}

// platforms by the names that they have in a file.
var platforms = map[string]func() cloud.Platform{
	"":                  gcp.CloudRun,
	"cloud-run":         gcp.CloudRun,
	"cloud-functions":   gcp.CloudFunctions,
	"cloud-functions-1": gcp.CloudFunctions1,
}

// Load reads a file. Folders in it are looked for from the file's own.
func Load(name string) (sim.Scenario, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return sim.Scenario{}, err
	}
	var f file
	if err := yaml.UnmarshalWithOptions(text, &f, yaml.Strict()); err != nil {
		return sim.Scenario{}, fmt.Errorf("%s: %s", name, strings.Join(strings.Fields(yaml.FormatError(err, false, false)), " "))
	}
	s, err := f.scenario(filepath.Dir(name))
	if err != nil {
		return s, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func (f *file) scenario(dir string) (s sim.Scenario, err error) {
	platform, ok := platforms[f.Platform]
	switch {
	case f.Scenario == "":
		return s, fmt.Errorf("no \"scenario\", wanted its name")
	case !ok:
		return s, fmt.Errorf("platform %q, wanted cloud-run, cloud-functions or cloud-functions-1", f.Platform)
	case len(f.Programs) == 0:
		return s, fmt.Errorf("no programs, wanted at least one under \"programs\"")
	case f.Expect != "" && f.Expect != "holds" && f.Expect != "violation":
		return s, fmt.Errorf("expect is %q, wanted holds or violation", f.Expect)
	}
	s = sim.Scenario{Name: f.Scenario, Doc: f.Doc, Platform: platform(), Expect: sim.Expect{Violation: f.Expect == "violation", Deviations: f.Deviations},
		Relies: f.Relies, Meant: f.Meant, Horizon: time.Duration(f.Horizon), MaxSteps: f.Steps, Environ: environment(f.Environ),
		Faults: sim.Faults{Kinds: f.Faults.Kinds, Most: f.Faults.Most, Functions: f.Faults.Programs, Services: f.Faults.Services,
			Skew: time.Duration(f.Faults.Skew), Outage: time.Duration(f.Faults.Outage)}}
	for _, x := range f.Services {
		v, err := x.value.declare(x.name)
		if err != nil {
			return s, fmt.Errorf("services: %s: %w", x.name, err)
		}
		s.Services = append(s.Services, v)
	}
	for _, x := range f.Programs {
		p, err := x.value.function(x.name, dir)
		if err != nil {
			return s, fmt.Errorf("programs: %s: %w", x.name, err)
		}
		s.Functions = append(s.Functions, p)
	}
	for _, x := range f.Clients {
		s.Clients = append(s.Clients, x.value.client(x.name, f))
	}
	s.Rules = append(s.Rules, f.Rules...)
	if f.Properties != "" {
		s.Properties, err = properties(filepath.Join(dir, f.Properties))
	}
	return s, err
}

func properties(name string) ([]*props.Property, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("properties: %w", err)
	}
	return props.Parse(name, text)
}

func (p *programme) function(name, dir string) (sim.Function, error) {
	pkg := p.Package
	if pkg == "" {
		return sim.Function{}, fmt.Errorf("no \"package\", wanted the import path or the folder of a package main")
	}
	if strings.HasPrefix(pkg, ".") {
		var err error
		if pkg, err = filepath.Abs(filepath.Join(dir, pkg)); err != nil {
			return sim.Function{}, err
		}
	}
	work := p.Dir
	if work != "" && !filepath.IsAbs(work) {
		work = filepath.Join(dir, work)
	}
	f := sim.Function{Name: name, Timeout: time.Duration(p.Timeout), Concurrency: p.Concurrency, MaxInstances: p.MaxInstances, MinInstances: p.MinInstances,
		ColdStart: time.Duration(p.ColdStart), AlwaysOn: p.AlwaysOn,
		Main: &sim.Main{Package: pkg, Args: p.Args, Env: environment(p.Env), Dir: work, Port: p.Port, Worker: p.Worker}}
	for i := range p.Triggers {
		t, err := p.Triggers[i].declare()
		if err != nil {
			return f, err
		}
		f.Triggers = append(f.Triggers, t)
	}
	return f, nil
}

// client makes requests to the only program where they name none.
func (c *client) client(name string, f *file) sim.Client {
	out := sim.Client{Name: name, Retries: c.Retries, Backoff: time.Duration(c.Backoff)}
	for _, r := range c.Requests {
		if r.Program == "" && len(f.Programs) == 1 {
			r.Program = f.Programs[0].name
		}
		out.Requests = append(out.Requests, sim.Request{Function: r.Program, Method: r.Method, Path: r.Path, Header: r.Header, Body: r.Body})
	}
	return out
}

// environment is a map as NAME=value, in order of names.
func environment(m map[string]string) (out []string) {
	for name, value := range m {
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out
}
