package command

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// flagsIn are the flags of the monitor as files of all kinds have them.
var flagsIn = regexp.MustCompile(`--(props|data|listen|token-file|nats|varz|shards)[= ",]+([^\s",\]]+)`)

// What the files under deploy start is a monitor whose flags are right.
func TestDeployedFlags(t *testing.T) {
	for _, file := range []string{"Dockerfile", "kubernetes/single.yaml", "kubernetes/cluster.yaml", "cloudrun.yaml", "wtsim-monitor.service"} {
		text, err := os.ReadFile(filepath.Join("../../../deploy", file))
		if err != nil {
			t.Fatal(err)
		}
		var args []string
		for _, m := range flagsIn.FindAllStringSubmatch(string(text), -1) {
			args = append(args, "--"+m[1]+"="+m[2])
		}
		if n := strings.Count(string(text), " --") + strings.Count(string(text), `"--`) + strings.Count(string(text), "--props="); len(args) < 3 || len(args) > n {
			t.Errorf("%s: %q, wanted all of %d", file, args, n)
		}
		o := &monitorOptions{}
		f := (&app{}).monitorFlags(o)
		if err := f.Parse(args); err != nil {
			t.Errorf("%s: %q: %v", file, args, err)
			continue
		}
		if err := o.validate(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if o.nats == "" && o.data == "./wtsim-data" {
			t.Errorf("%s: neither --data nor --nats", file)
		}
	}
}
