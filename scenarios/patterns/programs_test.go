package patterns

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/fakes/redis"
	"github.com/wtsim/wtsim/sim"
	"github.com/wtsim/wtsim/sim/search"
)

// The catalogue as programs: of each package that puts a bug and its repair under
// test, the constructors of functions are copied into a program that knows nothing
// of a simulation. There clients are real ones, and main serves what K_SERVICE
// names. All bugs are one binary, as linking takes the time.

// writePrograms writes a module of its own with all of them, and returns its
// folder.
func writePrograms(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, text []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	read := func(name string) []byte {
		t.Helper()
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	const ours = "github.com/wtsim/wtsim"
	mod := strings.Replace(string(read("../../go.mod")), "module "+ours, "module example.com/catalogue", 1)
	write("go.mod", fmt.Appendf(nil, "%s\nrequire %s v0.0.0\n\nreplace %s => %s\n", mod, ours, ours, root))
	write("go.sum", read("../../go.sum"))
	write("real/real.go", read("testdata/programs/real.go.txt"))
	write("main.go", read("testdata/programs/main.go.txt"))
	var links, entries strings.Builder
	for i, s := range All() {
		name := strings.TrimSuffix(strings.TrimPrefix(s.Name, "patterns/"), "/bug")
		if i%2 == 1 {
			continue
		}
		text, err := generated(name, filepath.Join(name, name+"sim", name+"sim.go"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		write(name+"/"+name+".go", text)
		fmt.Fprintf(&links, "\t%q\n", "example.com/catalogue/"+name)
		fmt.Fprintf(&entries, "\tcatalogue[%q], catalogue[%q] = %s.Bug, %s.Repaired\n", "patterns/"+name+"/bug", "patterns/"+name, name, name)
	}
	write("catalogue.go", []byte("package main\n\nimport (\n"+links.String()+")\n\nfunc init() {\n"+entries.String()+"}\n"))
	return dir
}

// asPrograms is a scenario whose functions are programs.
func asPrograms(t *testing.T, s sim.Scenario, dir string) sim.Scenario {
	t.Helper()
	if strings.HasPrefix(s.Name, "patterns/consent") { // what redis.Replica finds, has an address in production
		s.Services = append(slices.Clone(s.Services), redis.Reader("replica", "redis"))
	}
	var env []string
	for _, v := range s.Services {
		if name := v.Name(); !strings.Contains(name, ".") {
			env = append(env, strings.ToUpper(name)+"=${"+name+"}")
		}
	}
	s.Functions = slices.Clone(s.Functions)
	for i := range s.Functions {
		f := &s.Functions[i]
		f.New, f.Handler = nil, cloud.Handler{}
		f.Main = &sim.Main{Package: dir, Env: append([]string{"SCENARIO=" + s.Name}, env...)}
	}
	return s
}

// What holds in one process is not violated in processes, and what is violated
// there is violated here: a few bugs and their repairs.
func TestCatalogueAsPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the standard library and a program of the whole catalogue; runs without -short")
	}
	asProgramsToo(t, 20, "freshid", "consent", "warmleak", "memory", "duplicate", "sharedkey", "rerun", "partialbatch", "unversioned")
}

// The same of the whole catalogue, with more schedules.
func TestSoakCatalogueAsPrograms(t *testing.T) {
	if os.Getenv("WTSIM_SOAK") == "" {
		t.Skip("takes half an hour: make soak runs it")
	}
	asProgramsToo(t, 200)
}

// asProgramsToo searches the bugs of these names, or all, and their repairs, in
// processes.
func asProgramsToo(t *testing.T, schedules int, names ...string) {
	dir := writePrograms(t)
	for _, s := range All() {
		name := strings.TrimSuffix(strings.TrimPrefix(s.Name, "patterns/"), "/bug")
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		t.Run(strings.TrimPrefix(s.Name, "patterns/"), func(t *testing.T) {
			if why := s.Missing(); why != "" {
				t.Skip(why)
			}
			compiled, err := sim.Compile(asPrograms(t, s, dir))
			if err != nil {
				t.Fatal(err)
			}
			subject := search.Subject{Simulation: compiled}
			o := search.Options{Schedules: schedules}
			if s.Expect.Violation {
				o.Schedules = 1000
			}
			found, err := subject.Search(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case found.Inconclusive != nil:
				t.Errorf("inconclusive: %s\n%s", found.Inconclusive.Why, found.Inconclusive.Stack)
			case s.Expect.Violation && found.Result == nil:
				t.Errorf("nothing is found in %d schedules", found.Ran)
			case !s.Expect.Violation && found.Result != nil:
				t.Errorf("violated after %d schedules: %v %s\n%s", found.Ran, found.Result.Violation, found.Result.Record.Plan, found.Result.Stack)
			default:
				t.Logf("as expected, after %d schedules", found.Ran)
			}
		})
	}
}
