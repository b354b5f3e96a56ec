package command

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"testing"

	"github.com/wtsim/wtsim/sim"
)

// --config names the scenario of a command, wherever it stands, and of the
// processes that the command starts.
func TestConfigured(t *testing.T) {
	defer Configured(loadConfig, configSchema)
	Configured(func(file string) (sim.Scenario, error) {
		if file == "none" {
			return sim.Scenario{}, errors.New("none: no such file")
		}
		return sim.Scenario{Name: "of " + file}, nil
	}, nil)
	t.Setenv(configVariable, "")
	for _, c := range []struct{ args, want []string }{
		{[]string{"list", "--json"}, []string{"list", "--json"}},
		{[]string{"check", "--config", "a"}, []string{"check", "--config", "a"}}, // it has no scenario
		{[]string{"run", "--seed", "1", "--config", "a", "--json"}, []string{"run", "of a", "--seed", "1", "--json"}},
		{[]string{"run", "--config=a", "of a"}, []string{"run", "of a"}},
		{[]string{"replay", "--config=a", "f.json"}, []string{"replay", "f.json"}},
		{[]string{"run", "of a"}, []string{"run", "of a"}}, // as a child
	} {
		a := &app{}
		got, err := a.configured(c.args)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: got %q, %v, wanted %q", c.args, got, err, c.want)
		}
		if os.Getenv(configVariable) != "" && (len(a.scenarios) != 1 || a.scenarios[0].Name != "of a") {
			t.Errorf("%q: got %v", c.args, a.scenarios)
		}
	}
	for _, args := range [][]string{{"run", "--config"}, {"run", "--config="}, {"run", "--config", "none"}} {
		var errs bytes.Buffer
		if code := (&app{stdout: &bytes.Buffer{}, stderr: &errs}).main(args); code != exitUsage || bytes.Count(errs.Bytes(), []byte("\n")) != 1 {
			t.Errorf("%q: %d, %s", args, code, &errs)
		}
	}
}
