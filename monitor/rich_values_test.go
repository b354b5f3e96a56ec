package monitor

import (
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// Windows of different values, as the reference knows them: all that was added is
// in them, and how many values these have is found out when somebody asks.

// different are the x in the window of them.
func (c memoryModel) different() map[int]bool {
	all := map[int]bool{}
	for _, h := range c.in[3] {
		all[h.n] = true
	}
	return all
}

// different is the window of different x.
func different(length int) props.Register {
	return props.Distinct("d", time.Duration(length)*time.Millisecond)
}

// valueCourses are courses whose properties look at such a window, and at the one
// that counts.
func valueCourses(skewed bool) *rapid.Generator[richCourse] {
	return rapid.Custom(func(t *rapid.T) richCourse {
		c := richCourses(skewed).Draw(t, "course")
		ri := &c.rich
		ri.windowed, ri.stacked, ri.plain = true, false, false
		ri.lengths[3] = rapid.SampledFrom([]int{2, 3, 6, 10}).Draw(t, "window of values")
		for s := 2; s < len(ri.steps); s++ {
			if ri.passing[s] = noUpdate; ri.timeout[s] <= s {
				ri.timeout[s] = 0 // no circles
			}
			for role := range ri.types {
				ri.steps[s][role] = ri.drawValueSteps(t)
			}
		}
		return c
	})
}

func (ri *rich) drawValueSteps(t *rapid.T) (all []richStep) {
	if rapid.IntRange(0, 2).Draw(t, "asks") > 0 {
		all = append(all, richStep{flag: rapid.Bool().Draw(t, "flagged"), guard: rapid.SampledFrom([]int{varied, varied, familiar, crowded}).Draw(t, "guard"), to: 0})
	}
	if rapid.IntRange(0, 3).Draw(t, "counts") == 0 {
		return append(all, richStep{update: occur, to: -1})
	}
	to := -1
	if rapid.IntRange(0, 2).Draw(t, "moves") == 0 {
		to = rapid.IntRange(2, len(ri.steps)-1).Draw(t, "to")
	}
	return append(all, richStep{update: seeX, to: to})
}

// Properties with windows of different values report what the definition says, in
// exact order and with skew, whole and in two halves, in shards and swept all
// the time.
func TestValuesAgreeWithReference(t *testing.T) {
	agreesWithReference(t, valueCourses, func(event string) bool { return !strings.Contains(event, "ms") })
}

// The comparison above is able to fail.
func TestValuesComparisonNoticesMistakes(t *testing.T) {
	for name, f := range map[string]flaw{"first seen": firstSeen, "never left": neverLeft, "end included": endIncluded, "distances of none": distancesOfNone} {
		noticedIn(t, name, func(seed int) (string, error) {
			c := valueCourses(f == distancesOfNone).Example(seed)
			return c.differs(c.rich, f)
		})
	}
}
