package e2e

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The recipes of docs/ci.md are run step by step on a module with a bug: the test
// fails and what it has found is kept, the shards' parts are put together, and what
// the night has found is drawn.
func TestRecipes(t *testing.T) {
	long(t)
	t.Parallel() // all of it is in other processes
	text, err := os.ReadFile("../../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	recipes := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(recipes) != 2 {
		t.Fatalf("%d recipes, wanted GitHub's and GitLab's", len(recipes))
	}
	ran := map[string]int{}
	for i, jobs := range []func(*testing.T, string) map[string]job{gitHub, gitLab} {
		r := recipe{t: t, dir: ownModule(t), jobs: jobs(t, recipes[i][1])}
		r.prepare()
		for _, name := range []string{"test", "shard", "merge"} {
			ran[name] += r.run(name)
		}
	}
	if want := map[string]int{"test": 2, "shard": 8, "merge": 2}; !maps.Equal(ran, want) {
		t.Errorf("%v jobs have failed, wanted %v", ran, want)
	}
}

// long is of tests that build the command more than once.
func long(t *testing.T) {
	if os.Getenv("WTSIM_LONG") == "" || testing.Short() {
		t.Skip("it builds for a minute: make soak and .ci/run run it, with WTSIM_LONG=1")
	}
}

// job is one of CI's: what it runs, once for each environment, what then if that
// fails, and what is kept.
type job struct {
	script, onFailure []string
	env               []map[string]string // for each time that it runs
	replace           bool                // the environment is put in by CI, as ${{ x }}
	kept              []string
}

type recipe struct {
	t    *testing.T
	dir  string
	jobs map[string]job
}

// prepare makes the module what the page says of it.
func (r *recipe) prepare() {
	run(r.t, r.dir, 0, "go", "mod", "edit", "-tool=github.com/wtsim/wtsim/cmd/wtsim")
	const test = "package countersim\n\nimport (\n\t\"testing\"\n\n\t\"github.com/wtsim/wtsim/sim/simtest\"\n)\n\n" +
		"func TestCounter(t *testing.T) { simtest.Check(t, Scenario()) }\n"
	if err := os.WriteFile(filepath.Join(r.dir, "countersim", "countersim_test.go"), []byte(test), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

// run runs a job as often as CI does, and counts how often it has failed. What it
// keeps then is there.
func (r *recipe) run(name string) (failed int) {
	j := r.jobs[name]
	if len(j.script) == 0 || len(j.env) == 0 || len(j.kept) == 0 {
		r.t.Fatalf("job %s is %+v", name, j)
	}
	for _, env := range j.env {
		if code, out := r.shell(j, j.script, env); code != 0 {
			failed++
			r.t.Logf("%s %v: exit %d", name, env, code)
			if code != 1 {
				r.t.Errorf("%s %v: exit %d\n%s", name, env, code, out)
			}
			r.shell(j, j.onFailure, env)
		}
		for _, path := range j.kept {
			if there, _ := filepath.Glob(filepath.Join(r.dir, r.text(j, path, env))); len(there) == 0 {
				r.t.Errorf("%s %v: %s is not there to be kept", name, env, path)
			}
		}
	}
	return failed
}

// shell runs lines as CI's shell does, up to the first that fails.
func (r *recipe) shell(j job, lines []string, env map[string]string) (code int, out string) {
	c := exec.Command("bash", "-e", "-c", r.text(j, strings.Join(lines, "\n"), env))
	c.Dir, c.Env = r.dir, append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	for _, k := range slices.Sorted(maps.Keys(env)) {
		c.Env = append(c.Env, k+"="+env[k])
	}
	text, err := c.CombinedOutput()
	if c.ProcessState == nil {
		r.t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(text)
}

// text is a text of the recipe's, about the module that is there.
func (r *recipe) text(j job, s string, env map[string]string) string {
	s = strings.ReplaceAll(s, "shopsim", "countersim")
	for k, v := range env {
		if j.replace {
			s = strings.ReplaceAll(s, "${{ matrix."+k+" }}", v)
		}
	}
	return s
}

func gitHub(t *testing.T, text string) map[string]job {
	var f struct {
		Jobs map[string]struct {
			Strategy struct {
				Matrix struct{ Shard []int }
			}
			Steps []struct {
				Uses, Run, If string
				With          struct{ Path string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	out := map[string]job{}
	for name, x := range f.Jobs {
		j := job{replace: true}
		for _, s := range x.Steps {
			switch {
			case s.Run != "" && s.If == "failure()":
				j.onFailure = append(j.onFailure, s.Run)
			case s.Run != "":
				j.script = append(j.script, s.Run)
			case strings.HasPrefix(s.Uses, "actions/upload-artifact@"):
				j.kept = append(j.kept, strings.Split(strings.TrimSpace(s.With.Path), "\n")...)
			}
		}
		for _, n := range x.Strategy.Matrix.Shard {
			j.env = append(j.env, map[string]string{"shard": fmt.Sprint(n)})
		}
		if j.env == nil {
			j.env = []map[string]string{nil}
		}
		out[name] = j
	}
	return out
}

func gitLab(t *testing.T, text string) map[string]job {
	var f map[string]any
	if err := yaml.Unmarshal([]byte(text), &f); err != nil {
		t.Fatal(err)
	}
	out := map[string]job{}
	for _, name := range []string{"test", "shard", "merge"} {
		var x struct {
			Parallel  int
			Script    []string
			After     []string `yaml:"after_script"`
			Artifacts struct {
				Paths   []string
				Reports map[string]string
			}
		}
		part, err := yaml.Marshal(f[name])
		if err == nil {
			err = yaml.Unmarshal(part, &x)
		}
		if err != nil {
			t.Fatal(err)
		}
		j := job{script: x.Script, onFailure: x.After, kept: append(x.Artifacts.Paths, slices.Collect(maps.Values(x.Artifacts.Reports))...)}
		for n := range max(1, x.Parallel) {
			j.env = append(j.env, map[string]string{"CI_NODE_INDEX": fmt.Sprint(n + 1), "CI_NODE_TOTAL": fmt.Sprint(max(1, x.Parallel))})
		}
		out[name] = j
	}
	return out
}
