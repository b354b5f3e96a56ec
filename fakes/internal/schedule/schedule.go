// Package schedule reads the schedule expressions of EventBridge: rate(5 minutes)
// and cron(0 10 ? * MON-FRI *), in UTC; and those of EventBridge Scheduler, which has
// time zones, and at(2026-03-01T09:00:00) for once.
//
// A cron expression has six fields: minutes, hours, day of the month, month, day
// of the week (1-7 or SUN-SAT) and year. It is exactly that of EventBridge, which
// no kept library's is: of the two fields of days one must be ?, days of the week
// begin with Sunday as 1, and L, W and # stand where they do there.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
package schedule

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // for machines that have no time zones
)

// Schedule tells when something is due. The zero value is never due.
type Schedule struct {
	every  time.Duration
	cron   *cron
	zone   *time.Location
	once   time.Time
	window time.Duration // flexible: within it a tick happens
}

// Within returns the schedule with a flexible time window.
func (s Schedule) Within(window time.Duration) Schedule {
	s.window = window
	return s
}

// Every is a rate.
func Every(d time.Duration) Schedule { return Schedule{every: d} }

// Parse reads an expression. The error says what was wanted.
func Parse(expression string) (Schedule, error) {
	kind, rest, ok := strings.Cut(strings.TrimSuffix(expression, ")"), "(")
	if ok && strings.HasSuffix(expression, ")") {
		switch kind {
		case "rate":
			return parseRate(rest)
		case "cron":
			c, err := parseCron(rest)
			return Schedule{cron: c, zone: time.UTC}, err
		}
	}
	return Schedule{}, fmt.Errorf("schedule %q, wanted rate(VALUE UNIT) or cron(MINUTES HOURS DAY MONTH WEEKDAY YEAR)", expression)
}

// ParseIn reads an expression of EventBridge Scheduler, in a time zone.
func ParseIn(expression, zone string) (Schedule, error) {
	in, err := time.LoadLocation(zone)
	if err != nil {
		return Schedule{}, fmt.Errorf("there is no time zone %q", zone)
	}
	if text, ok := strings.CutPrefix(expression, "at("); ok {
		clock, err := time.Parse("2006-01-02T15:04:05)", text)
		due, shown := when(clock, in)
		if err != nil || !shown {
			return Schedule{}, fmt.Errorf("schedule %q, wanted at(yyyy-mm-ddThh:mm:ss), a time that there is in %s", expression, zone)
		}
		return Schedule{once: due}, nil
	}
	s, err := Parse(expression)
	s.zone = in
	return s, err
}

// parseRate reads a value and a unit, which is singular of 1 alone.
func parseRate(s string) (Schedule, error) {
	units := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
	value, unit, _ := strings.Cut(s, " ")
	n, err := strconv.Atoi(value)
	if one := strings.TrimSuffix(unit, "s"); err == nil && n > 0 && units[one] > 0 && (n == 1) == (one == unit) {
		return Every(time.Duration(n) * units[one]), nil
	}
	return Schedule{}, fmt.Errorf("rate(%s), wanted a positive number and minute, minutes, hour, hours, day or days: singular of 1 alone", s)
}

// Next is when it is due after an instant; zero for never again.
func (s Schedule) Next(after time.Time) time.Time {
	switch {
	case s.every > 0:
		return after.Add(s.every)
	case s.cron != nil:
		return s.cron.next(after.UTC(), s.zone)
	case s.once.After(after):
		return s.once
	}
	return time.Time{}
}
