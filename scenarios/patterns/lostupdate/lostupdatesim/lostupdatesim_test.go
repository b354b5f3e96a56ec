package lostupdatesim

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wtsim/wtsim/sim/simtest"
)

// buggy makes TestLikes look at the bug.
const buggy = "LOSTUPDATE_BUG"

// Who likes what is drawn together with the schedule: whatever that is, no
// like is lost.
func TestLikes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		articles := rapid.SliceOfN(rapid.SampledFrom([]string{"go", "lua", "zig"}), 1, 5).Draw(t, "articles")
		var likes []Like
		for i, article := range articles {
			likes = append(likes, Like{User: fmt.Sprintf("user-%d", i+1), Article: article})
		}
		simtest.Run(t, Scenario(os.Getenv(buggy) == "", likes))
	})
}

// Of the bug, inputs and schedule shrink together to what a textbook shows:
// two users, one article, and one deviation by which a write comes between the
// other's read and write.
func TestLikesShrink(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "-test.run", "^TestLikes$", "-rapid.nofailfile", "-rapid.seed=1")
	c.Dir = t.TempDir() // for the counterexample
	c.Env = append(os.Environ(), buggy+"=1")
	out, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("the bug is not found:\n%s", out)
	}
	for _, want := range []string{
		`[rapid] draw articles: []string{"go", "go"}`,
		`property "an article's count is at least that of the users who were told" violated`,
		`with 1 deviation:`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not told:\n%s", want, out)
		}
	}
}
