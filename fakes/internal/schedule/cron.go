package schedule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cron is an expression, read: what the fields allow, and of days a test.
type cron struct {
	minutes, hours, months, years []int
	day                           func(t time.Time) bool
}

// field is what stands in one place.
type field struct {
	name      string
	low, high int
	names     []string // of the values from low on, besides numbers
}

var (
	minutes  = field{"minutes", 0, 59, nil}
	hours    = field{"hours", 0, 23, nil}
	days     = field{"day of the month", 1, 31, nil}
	months   = field{"month", 1, 12, strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")}
	weekdays = field{"day of the week", 1, 7, strings.Fields("SUN MON TUE WED THU FRI SAT")}
	years    = field{"year", 1970, 2199, nil}
)

func parseCron(s string) (*cron, error) {
	f := strings.Fields(s)
	if len(f) != 6 {
		return nil, fmt.Errorf("cron(%s) has %d fields, wanted six", s, len(f))
	}
	if (f[2] == "?") == (f[4] == "?") {
		return nil, fmt.Errorf("cron(%s), wanted ? for the day of the month or for the day of the week, one of them", s)
	}
	c := &cron{}
	var err error
	for _, x := range []struct {
		of   field
		text string
		to   *[]int
	}{{minutes, f[0], &c.minutes}, {hours, f[1], &c.hours}, {months, f[3], &c.months}, {years, f[5], &c.years}} {
		if *x.to, err = x.of.parse(x.text); err != nil {
			return nil, fmt.Errorf("cron(%s): %w", s, err)
		}
	}
	if f[4] == "?" {
		c.day, err = parseDay(f[2])
	} else {
		c.day, err = parseWeekday(f[4])
	}
	if err != nil {
		return nil, fmt.Errorf("cron(%s): %w", s, err)
	}
	return c, nil
}

func (f field) wrong(text string) error {
	return fmt.Errorf("%q is no %s", text, f.name)
}

// value reads one, by number or name.
func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, strings.ToUpper(text)); i >= 0 {
		return f.low + i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < f.low || n > f.high {
		return 0, f.wrong(text)
	}
	return n, nil
}

// parse reads a list of values, ranges and steps.
func (f field) parse(text string) ([]int, error) {
	var out []int
	for _, part := range strings.Split(text, ",") {
		span, by, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(by)
			if err != nil || n < 1 {
				return nil, f.wrong(part)
			}
			step = n
		}
		low, high := f.low, f.high
		if span != "*" {
			from, to, ranged := strings.Cut(span, "-")
			var err error
			if low, err = f.value(from); err != nil {
				return nil, err
			}
			switch {
			case ranged:
				if high, err = f.value(to); err != nil {
					return nil, err
				}
			case !stepped:
				high = low
			}
		}
		if high < low {
			return nil, f.wrong(part)
		}
		for n := low; n <= high; n += step {
			out = append(out, n)
		}
	}
	return out, nil
}

// parseDay reads a day of the month: L is the last, 3W the weekday nearest to the
// third, in the month.
func parseDay(text string) (func(time.Time) bool, error) {
	if text == "L" {
		return func(t time.Time) bool { return t.Day() == lastDay(t) }, nil
	}
	if of, ok := strings.CutSuffix(text, "W"); ok {
		n, err := days.value(of)
		return func(t time.Time) bool { return t.Day() == nearest(t, n) }, err
	}
	list, err := days.parse(text)
	return func(t time.Time) bool { return slices.Contains(list, t.Day()) }, err
}

// parseWeekday reads a day of the week: 6L is the last Friday of the month, 3#2 the
// second Tuesday; L alone is Saturday.
func parseWeekday(text string) (func(time.Time) bool, error) {
	if of, nth, ok := strings.Cut(text, "#"); ok {
		day, err := weekdays.value(of)
		n, wrong := strconv.Atoi(nth)
		if err != nil || wrong != nil || n < 1 || n > 5 {
			return nil, weekdays.wrong(text)
		}
		return func(t time.Time) bool { return weekday(t) == day && (t.Day()-1)/7 == n-1 }, nil
	}
	if of, ok := strings.CutSuffix(text, "L"); ok {
		if of == "" {
			return func(t time.Time) bool { return weekday(t) == 7 }, nil
		}
		day, err := weekdays.value(of)
		return func(t time.Time) bool { return weekday(t) == day && t.Day()+7 > lastDay(t) }, err
	}
	list, err := weekdays.parse(text)
	return func(t time.Time) bool { return slices.Contains(list, weekday(t)) }, err
}

// weekday is 1 for Sunday.
func weekday(t time.Time) int { return int(t.Weekday()) + 1 }

func lastDay(t time.Time) int {
	return time.Date(t.Year(), t.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// nearest is the weekday of the month that is nearest to its day n; 0 if the month
// has no such day.
func nearest(t time.Time, n int) int {
	last := lastDay(t)
	if n > last {
		return 0
	}
	switch time.Date(t.Year(), t.Month(), n, 0, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday:
		if n == 1 {
			return 3
		}
		return n - 1
	case time.Sunday:
		if n == last {
			return n - 2
		}
		return n + 1
	}
	return n
}

// next is the first minute after an instant that it allows in a time zone: day by
// day, and within a day that fits by hour and minute, as clocks there show them.
func (c *cron) next(after time.Time, zone *time.Location) time.Time {
	at := shown(after, zone).Truncate(time.Minute).Add(time.Minute)
	end := time.Date(c.years[len(c.years)-1]+1, 1, 1, 0, 0, 0, 0, time.UTC)
	for day := at.Truncate(24 * time.Hour); day.Before(end); day = day.AddDate(0, 0, 1) {
		if !slices.Contains(c.years, day.Year()) || !slices.Contains(c.months, int(day.Month())) || !c.day(day) {
			continue
		}
		for m := range 24 * 60 {
			t := day.Add(time.Duration(m) * time.Minute)
			if t.Before(at) || !slices.Contains(c.hours, t.Hour()) || !slices.Contains(c.minutes, t.Minute()) {
				continue
			}
			if due, ok := when(t, zone); ok && due.After(after) {
				return due
			}
		}
	}
	return time.Time{}
}

// shown is what clocks of a time zone show, as if it were UTC.
func shown(at time.Time, zone *time.Location) time.Time {
	at = at.In(zone)
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
}

// when is the instant at which clocks of a time zone show something: the first of
// two, where they are put back; false where they are put on and never do.
// "your schedule invocation gets skipped if the cron expression falls on a
// non-existent date and time. When time shifts back in the Fall, your schedule runs
// only once and does not repeat its invocation."
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
func when(clock time.Time, zone *time.Location) (time.Time, bool) {
	at := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
	if change, _ := at.ZoneBounds(); !change.IsZero() {
		_, before := change.Add(-time.Second).Zone()
		_, now := at.Zone()
		if first := at.Add(time.Duration(now-before) * time.Second); shown(first, zone).Equal(clock) && first.Before(at) {
			at = first
		}
	}
	return at.UTC(), shown(at, zone).Equal(clock)
}
