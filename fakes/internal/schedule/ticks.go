package schedule

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/cloud/aws"
)

// Ticks calls do whenever a schedule is due, from the run's beginning to its
// horizon, most times at most if that is not zero. root names the tick: the rule
// and its number.
func Ticks(k cloud.Kernel, rule string, s Schedule, most int, do func(root string, at time.Time)) {
	epoch, _ := k.Span()
	plan(k, rule, s, most, 1, epoch, do)
}

func plan(k cloud.Kernel, rule string, s Schedule, most, number int, after time.Time, do func(string, time.Time)) {
	_, horizon := k.Span()
	at := s.Next(after)
	if at.IsZero() || at.After(horizon) || most > 0 && number > most {
		return
	}
	root := fmt.Sprintf("%s/%d", rule, number)
	k.At(at, "tick "+root, func() {
		within(k, root, at, s.window, do)
		plan(k, rule, s, most, number+1, at, do)
	})
}

// within calls do in the flexible time window of a tick, which begins now. When is not
// documented: at a second that its name draws, another for each tick.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-flexible-time-windows.html
func within(k cloud.Kernel, root string, at time.Time, window time.Duration, do func(string, time.Time)) {
	if window == 0 {
		do(root, at)
		return
	}
	drawn := sha256.Sum256([]byte("window " + root))
	late := time.Duration(binary.BigEndian.Uint64(drawn[:])%uint64(window/time.Second)) * time.Second
	k.At(at.Add(late), "window "+root, func() { do(root, at) })
}

// Event is the event of a tick of a rule.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
func Event(rule, root string, at time.Time) []byte {
	return event("aws.events", aws.RuleARN("", rule), root, at, map[string]any{})
}

// Input is what a schedule of EventBridge Scheduler brings at a tick: its input, in
// which context attributes are replaced, or the default notification. (What that is no
// page says: an event like a rule's, but for its source, its resource, and a detail
// that is a text.)
// https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
func Input(schedule, input, root string, at time.Time) []byte {
	arn := "arn:aws:scheduler:" + aws.Region + ":" + aws.Account + ":schedule/default/" + schedule
	if input == "" {
		return event("aws.scheduler", arn, root, at, "{}")
	}
	return []byte(strings.NewReplacer("<aws.scheduler.schedule-arn>", arn, "<aws.scheduler.scheduled-time>", at.UTC().Format(time.RFC3339),
		"<aws.scheduler.execution-id>", strings.ReplaceAll(aws.ID("tick "+root), "-", "")[:16], "<aws.scheduler.attempt-number>", "1").Replace(input))
}

func event(source, resource, root string, at time.Time, detail any) []byte {
	text, err := json.Marshal(map[string]any{
		"version": "0", "id": aws.ID("tick " + root), "detail-type": "Scheduled Event", "source": source, "account": aws.Account, "region": aws.Region,
		"time": at.UTC().Format(time.RFC3339), "resources": []string{resource}, "detail": detail,
	})
	if err != nil {
		panic(err) // texts
	}
	return text
}
