package schedule

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// The examples of the guide, with the instants that their descriptions mean.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
func TestNext(t *testing.T) {
	thursday := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ expression, want string }{
		{"rate(5 minutes)", "Thu 01-01 00:05, Thu 01-01 00:10, Thu 01-01 00:15"},
		{"rate(1 hour)", "Thu 01-01 01:00, Thu 01-01 02:00, Thu 01-01 03:00"},
		{"cron(0 10 * * ? *)", "Thu 01-01 10:00, Fri 01-02 10:00, Sat 01-03 10:00"},           // 10:00 am every day
		{"cron(15 12 * * ? *)", "Thu 01-01 12:15, Fri 01-02 12:15, Sat 01-03 12:15"},          // 12:15 pm every day
		{"cron(0 18 ? * MON-FRI *)", "Thu 01-01 18:00, Fri 01-02 18:00, Mon 01-05 18:00"},     // every Monday through Friday
		{"cron(0 8 1 * ? *)", "Thu 01-01 08:00, Sun 02-01 08:00, Sun 03-01 08:00"},            // the first day of the month
		{"cron(0/15 * * * ? *)", "Thu 01-01 00:15, Thu 01-01 00:30, Thu 01-01 00:45"},         // every 15 minutes
		{"cron(0/5 8-17 ? * MON-FRI *)", "Thu 01-01 08:00, Thu 01-01 08:05, Thu 01-01 08:10"}, // from 8:00 am to 5:55 pm
		{"cron(0 9 ? * 2#1 *)", "Mon 01-05 09:00, Mon 02-02 09:00, Mon 03-02 09:00"},          // the first Monday of each month
		{"cron(0 12 ? * 3#2 *)", "Tue 01-13 12:00, Tue 02-10 12:00, Tue 03-10 12:00"},         // the second Tuesday
		{"cron(15 10 ? * 6L 2026-2027)", "Fri 01-30 10:15, Fri 02-27 10:15, Fri 03-27 10:15"}, // the last Friday
		{"cron(0 0 L * ? *)", "Sat 01-31 00:00, Sat 02-28 00:00, Tue 03-31 00:00"},
		{"cron(0 0 3W * ? *)", "Fri 01-02 00:00, Tue 02-03 00:00, Tue 03-03 00:00"}, // the weekday nearest to the third
		{"cron(0 0 1W * ? *)", "Mon 02-02 00:00, Mon 03-02 00:00, Wed 04-01 00:00"}, // and never of another month
		{"cron(0 0 ? * SUN *)", "Sun 01-04 00:00, Sun 01-11 00:00, Sun 01-18 00:00"},
		{"cron(0 0 29 2 ? *)", "Tue 02-29 00:00, Sun 02-29 00:00, Fri 02-29 00:00"},
		{"cron(30 4 1 1 ? 2027)", "Fri 01-01 04:30"},
	} {
		s, err := Parse(c.expression)
		if err != nil {
			t.Error(c.expression, err)
			continue
		}
		var got []string
		for at := s.Next(thursday); !at.IsZero() && len(got) < 3; at = s.Next(at) {
			got = append(got, at.Format("Mon 01-02 15:04"))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s: got %s, wanted %s", c.expression, strings.Join(got, ", "), c.want)
		}
	}
}

// Every minute of two years is looked at by itself, and is what Next finds.
func TestNextFindsAll(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, expression := range []string{"7,31 2-4 ? 2-3 TUE,FRI *", "*/20 5 10-12 * ? *", "0 0 15W 1/3 ? *"} {
		s, err := Parse("cron(" + expression + ")")
		if err != nil {
			t.Fatal(err)
		}
		due := s.Next(begin)
		for at := begin.Add(time.Minute); at.Year() < 2028; at = at.Add(time.Minute) {
			is := at.Equal(due)
			if want := s.cron.day(at) && slices.Contains(s.cron.minutes, at.Minute()) && slices.Contains(s.cron.hours, at.Hour()) && slices.Contains(s.cron.months, int(at.Month())); is != want {
				t.Fatal(expression, at, is, want)
			}
			if is {
				due = s.Next(at)
			}
		}
	}
}

// A schedule of EventBridge Scheduler follows the clocks of its time zone: what they
// skip is skipped, what they show twice is due once; a rate does not look at them.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
func TestNextInZone(t *testing.T) {
	for _, c := range []struct{ expression, zone, from, want string }{
		{"cron(30 9 * * ? *)", "Europe/Berlin", "2026-03-28T00:00", "2026-03-28T08:30 2026-03-29T07:30 2026-03-30T07:30"},
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-03-28T00:00", "2026-03-28T01:30 2026-03-30T00:30 2026-03-31T00:30"}, // there is no 02:30 on the 29th
		{"cron(30 2 * * ? *)", "Europe/Berlin", "2026-10-24T00:00", "2026-10-24T00:30 2026-10-25T00:30 2026-10-26T01:30"}, // 02:30 twice on the 25th
		{"cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00", "2026-11-01T05:30 2026-11-02T06:30 2026-11-03T06:30"},
		{"cron(0/30 1-2 * * ? *)", "America/New_York", "2026-11-01T05:00", "2026-11-01T05:30 2026-11-01T07:00 2026-11-01T07:30"},
		{"cron(0 2 * * ? *)", "Australia/Lord_Howe", "2026-10-02T00:00", "2026-10-02T15:30 2026-10-04T15:00 2026-10-05T15:00"}, // which puts them on half an hour
		{"cron(45 1 * * ? *)", "Australia/Lord_Howe", "2026-04-04T00:00", "2026-04-04T14:45 2026-04-05T15:15 2026-04-06T15:15"},
		{"cron(0 0 1 * ? *)", "Asia/Tokyo", "2026-01-31T12:00", "2026-01-31T15:00 2026-02-28T15:00 2026-03-31T15:00"},
		{"rate(1 day)", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T12:00 2026-03-30T12:00 2026-03-31T12:00"},
		{"at(2026-07-01T09:00:00)", "America/New_York", "2026-01-01T00:00", "2026-07-01T13:00"},
		{"at(2026-10-25T02:30:00)", "Europe/Berlin", "2026-01-01T00:00", "2026-10-25T00:30"},
		{"at(2025-07-01T09:00:00)", "UTC", "2026-01-01T00:00", ""},
	} {
		s, err := ParseIn(c.expression, c.zone)
		at, wrong := time.Parse("2006-01-02T15:04", c.from)
		if err != nil || wrong != nil {
			t.Error(err, wrong)
			continue
		}
		var got []string
		for range 3 {
			if at = s.Next(at); at.IsZero() {
				break
			}
			got = append(got, at.UTC().Format("2006-01-02T15:04"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s in %s from %s: %s, wanted %s", c.expression, c.zone, c.from, got, c.want)
		}
	}
	for expression, zone := range map[string]string{"cron(0 0 * * ? *)": "Europe/Nowhere", "at(2026-07-01)": "UTC", "at(2026-03-29T02:30:00)": "Europe/Berlin", "at(2026-07-01T09:00:00": "UTC"} {
		if _, err := ParseIn(expression, zone); err == nil {
			t.Errorf("%s in %s is taken", expression, zone)
		}
	}
}

// What is wrong is told.
func TestWrong(t *testing.T) {
	for expression, want := range map[string]string{
		"0 10 * * ? *": "wanted rate(", "rate(5 minute)": "singular of 1 alone", "rate(1 days)": "singular", "rate(0 minutes)": "positive",
		"cron(0 10 * * ?)": "5 fields", "cron(0 10 * * * *)": "wanted ?", "cron(0 10 ? * ? *)": "wanted ?", "cron(60 * * * ? *)": `"60" is no minutes`,
		"cron(0 0 ? * 8 *)": `"8" is no day of the week`, "cron(0 0 ? * 2#6 *)": `"2#6"`, "cron(0 0 31-30 * ? *)": `"31-30"`, "cron(0 0 32W * ? *)": `"32"`,
	} {
		if _, err := Parse(expression); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, wanted %s", expression, err, want)
		}
	}
}
