package scaffold

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// deployment is what a description of a deployment says, of whatever tool: as far
// as a scenario has it. What it has not is named.
type deployment struct {
	file          string
	services      []deployed
	topics        []string
	buckets       []string
	redis         bool
	subscriptions []Subscription
	queues        []Queue
	jobs          []Job
	aws           onAWS
	left          []string

	module   string // whose deployment it is
	makefile string // the folder's
}

// deployed is a service or a function that a description deploys.
type deployed struct {
	Settings
	name   string
	target string // the function of the Functions Framework
	image  string // the container's
	env    map[string]string
	on     []On

	lambda      bool     // it is a function of Lambda
	code, names []string // folders and names that tell whose it is, the surest first
}

// Settings are those of a program that a description of its deployment has.
type Settings struct {
	Args                                    []string
	Port                                    int
	Timeout                                 string
	Concurrency, MaxInstances, MinInstances int
	AlwaysOn                                bool
	Front                                   string   // of Lambda
	FrontRoutes                             []string // of an API
}

// On is what invokes a program.
type On struct {
	Topic string
	Push  bool
	Event string
	Match map[string]string

	Queue                     string // of SQS
	BatchSize, MaxConcurrency int
	Window                    string
	ItemFailures              bool
	Bucket, Prefix, Suffix    string // of S3
	BucketEvents              []string
	Stream                    string // a table of DynamoDB
	Retries                   int
	MaxAge, OnFailure         string
	Bisect                    bool
}

// Subscription is one that is pulled.
type Subscription struct {
	Name, Topic, AckDeadline string
	ExactlyOnce              bool
}

// Queue is one of Cloud Tasks.
type Queue struct {
	Name                   string
	MaxAttempts            int
	MinBackoff, MaxBackoff string
}

// Job is one of Cloud Scheduler.
type Job struct{ Name, Cron, Program, Topic, Method, Path, Body string }

// leave names what is not taken over, and why.
func (d *deployment) leave(what, why string) {
	d.left = append(d.left, fmt.Sprintf("%s: %s: %s", d.file, what, why))
}

const (
	notHere     = "a scenario has nothing like it"
	notTheCloud = "this cloud is not there yet"
)

// descriptions are how files are read that describe deployments, by how they are
// called. What is in one of these is told from its content.
var descriptions = []struct {
	pattern string
	read    func(d *deployment, text []byte) error
}{
	{"serverless.y*ml", (*deployment).serverless},
	{"template.y*ml", (*deployment).cloudFormation},
	{"template.json", (*deployment).cloudFormation},
	{"*plan*.json", (*deployment).terraform},
}

// describedIn reads the descriptions of deployments that a folder has.
func describedIn(dir, module string) (all []*deployment, err error) {
	makefile, _ := os.ReadFile(filepath.Join(dir, "Makefile")) // which most have not
	for _, x := range descriptions {
		files, err := filepath.Glob(filepath.Join(dir, x.pattern))
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			d := &deployment{file: filepath.Base(name), module: module, makefile: string(makefile)}
			if err := x.read(d, text); err != nil {
				d.leave("the whole", err.Error())
			}
			all = append(all, d)
		}
	}
	return all, nil
}

// deploy takes over what a description says.
func (p *Programs) deploy(d *deployment) {
	p.Redis = p.Redis || d.redis
	p.GCS = p.GCS || len(d.buckets) > 0
	p.Tasks = p.Tasks || len(d.queues) > 0
	p.Topics, p.Buckets = sorted(p.Topics, d.topics), sorted(p.Buckets, d.buckets)
	p.Subscriptions, p.Queues = append(p.Subscriptions, d.subscriptions...), append(p.Queues, d.queues...)
	for i := range d.services {
		p.deployService(d, &d.services[i])
	}
	p.Programs = slices.DeleteFunc(p.Programs, func(x *Program) bool { return x.replaced })
	p.deployAWS(d)
	for _, j := range d.jobs {
		if j.Program != "" && !p.has(j.Program) {
			d.leave("job "+j.Name, fmt.Sprintf("it calls %s, which is no program of the module", j.Program))
			continue
		}
		p.Jobs = append(p.Jobs, j)
	}
	p.PubSub = p.PubSub || len(p.Topics)+len(p.Subscriptions) > 0
	for _, x := range p.Programs {
		p.PubSub = p.PubSub || slices.ContainsFunc(x.On, func(on On) bool { return on.Topic != "" })
		p.Eventarc = p.Eventarc || slices.ContainsFunc(x.On, func(on On) bool { return on.Event != "" })
	}
	p.Left = append(p.Left, d.left...)
}

func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return slices.Compact(all)
}

func (p *Programs) has(name string) bool {
	return slices.ContainsFunc(p.Programs, func(x *Program) bool { return x.Name == name })
}

// deployService makes a program of the module what is deployed under a name,
// which is its host's.
func (p *Programs) deployService(d *deployment, s *deployed) {
	i := slices.IndexFunc(p.Programs, s.is)
	if s.lambda {
		i = p.lambdaOf(s, len(d.services) == 1)
	} else if own := slices.DeleteFunc(slices.Clone(p.Programs), func(x *Program) bool { return x.Deployed }); i < 0 && len(own) == 1 && len(d.services) == 1 {
		i = slices.Index(p.Programs, own[0])
	}
	if i < 0 {
		d.leave(s.name, "no program of the module has this name; write down its package")
		return
	}
	of := p.Programs[i]
	x := *of
	of.replaced = !of.Deployed
	x.Name, x.Settings, x.Deployed, x.replaced = s.name, s.Settings, true, false
	x.Env = map[string]string{}
	for _, env := range []map[string]string{of.Env, s.env} {
		for name, value := range env { //wtsim:order a map to a map
			x.Env[name] = value
		}
	}
	switch {
	case s.lambda:
		x.On, x.Routes, x.guessed = s.on, s.requests(x.Routes), false
	case len(s.on) > 0:
		x.On, x.Routes, x.guessed = s.on, nil, false
	}
	p.Programs = append(p.Programs, &x)
	if s.lambda && s.Front == "" && len(s.on) == 0 && !slices.ContainsFunc(d.aws.Schedules, func(x Schedule) bool { return x.Program == s.name }) {
		d.leave(s.name, "what invokes it: nothing does that is taken over")
	}
}

// is reports whether a program is what is deployed: by the function's name, the
// service's, or the image's.
func (s *deployed) is(x *Program) bool {
	if s.target != "" {
		return strings.EqualFold(x.Env["FUNCTION_TARGET"], s.target)
	}
	image, _, _ := strings.Cut(path.Base(s.image), "@")
	image, _, _ = strings.Cut(image, ":")
	return x.Name == s.name || x.Name == image
}
