package simtest

import (
	"strings"
	"sync"

	"github.com/wtsim/wtsim/sim/report"
	"github.com/wtsim/wtsim/sim/search"
)

// findingsFileLock is held over reading and writing the file of -wtsim.findings:
// tests may be parallel.
var findingsFileLock sync.Mutex

// findings tells how the scenario's findings stand beside the file that is kept,
// if there is one: what was not found in this test is replayed, and fails it if
// it violates.
func (c *check) findings() {
	c.t.Helper()
	if *findingsFile == "" {
		return
	}
	findingsFileLock.Lock()
	defer findingsFileLock.Unlock()
	known, err := search.ReadFindings(*findingsFile)
	if err != nil {
		c.t.Fatal(err)
	}
	all := known.Update(c.subject, c.found...)
	c.t.Log(strings.TrimSpace(report.FindingsText(*findingsFile, all)))
	if err := known.Write(); err != nil {
		c.t.Error(err)
	}
	if v := search.ViolatesNow(all); v != nil && len(c.found) == 0 {
		violates(c.t, v.Result, details(v.String(), v.Result, c.benign(), c.command("-wtsim.findings", *findingsFile)))
		c.t.FailNow()
	}
}
