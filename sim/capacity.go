package sim

import (
	"fmt"
	"net/http"
	"time"

	"github.com/wtsim/wtsim/cloud"
)

// placeable reports whether a task that may start has an instance to start on,
// or may have a new one.
func (t *task) placeable() bool {
	if t.handed() {
		return true
	}
	if c, ok := t.Cause.(cloud.Throttled); ok && c.Busy() {
		return false
	}
	return t.fn.warm(false) != nil || !t.fn.full()
}

// queueUp gives a task that finds no instance so much time to get one. Then
// it is refused with 429.
func (w *world) queueUp(t *task) {
	if t.stage != pending || t.handed() || !t.refuse.IsZero() || t.fn.warm(false) != nil || !t.fn.full() {
		return
	}
	t.refuse = time.Now().Add(w.sim.scenario.Platform.QueueFor) //wtsim:clock the bubble's clock
	w.agenda.add(t.refuse, "refuse "+t.Name.Text, func() {
		t.stage = over
		w.story.happens(t.Task, "refuse", "is refused", fmt.Sprintf("429, no instance after %v", w.sim.scenario.Platform.QueueFor))
		t.Cause.Answered(t.Task, cloud.Ending{Status: "429", Response: cloud.Response{Status: http.StatusTooManyRequests}})
	})
}

// seated notes that a task has got its instance.
func (w *world) seated(t *task) {
	if !t.refuse.IsZero() {
		w.agenda.remove(t.refuse, "refuse "+t.Name.Text)
	}
}
