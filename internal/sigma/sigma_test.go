package sigma_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/internal/sigma"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// base are rules for single events: of two log sources, some of which overlap.
const base = `
---
name: fail
logsource: {product: app, service: auth}
detection: {selection: {code: [1, 2]}, condition: selection}
---
name: odd
logsource: {product: app, service: auth}
detection: {selection: {code: [1, 3]}, filter: {kind|startswith: skip}, condition: selection and not filter}
---
name: login
logsource: {product: app, service: auth}
detection: {selection: {code: 4}, condition: selection}
---
name: proc
logsource: {category: process}
detection:
  a: {image|endswith: '.EXE'}
  b: {image: ['*cmd*', 'sh']}
  condition: 1 of *
`

const many = `---
title: many
name: many
correlation: {type: event_count, rules: [fail], group-by: [user], timespan: 4s, condition: {gte: 2}}
`

// seen is an event as the reference sees it.
type seen struct {
	at   int
	auth bool
	user string
	code int
	text string
}

// fits is what the rules say, by hand.
func (s seen) fits(rule string) bool {
	low := strings.ToLower(s.text)
	switch rule {
	case "fail":
		return s.auth && (s.code == 1 || s.code == 2)
	case "odd":
		return s.auth && (s.code == 1 || s.code == 3) && !strings.HasPrefix(low, "skip")
	case "login":
		return s.auth && s.code == 4
	}
	return !s.auth && (strings.HasSuffix(low, ".exe") || strings.Contains(low, "cmd") || low == "sh")
}

// happens tells whether a rule or the correlation many matches at an event.
func happens(all []seen, i int, rule string) bool {
	if rule != "many" {
		return all[i].fits(rule)
	}
	return all[i].fits("fail") && count(all, i, 4, []string{"fail"}) >= 2
}

// count is how many events of the group fit one of some rules within a time up to an event.
func count(all []seen, i, within int, rules []string) (n int) {
	for j := 0; j <= i; j++ {
		if all[j].user == all[i].user && all[i].at-all[j].at < within && slices.ContainsFunc(rules, func(r string) bool { return happens(all, j, r) }) {
			n++
		}
	}
	return n
}

// tags are the different texts of such events.
func tags(all []seen, i, within int, rules []string) map[string]bool {
	tags := map[string]bool{}
	for j := 0; j <= i; j++ {
		if all[j].user == all[i].user && all[i].at-all[j].at < within && slices.ContainsFunc(rules, func(r string) bool { return happens(all, j, r) }) {
			tags[all[j].text] = true
		}
	}
	return tags
}

// matches tells whether a correlation matches at an event, by its definition.
func matches(kind string, rules []string, within, least int, all []seen, i int) bool {
	now := slices.ContainsFunc(rules, func(r string) bool { return happens(all, i, r) })
	switch kind {
	case "event_count":
		return now && count(all, i, within, rules) >= least
	case "value_count":
		return now && len(tags(all, i, within, rules)) >= least
	case "temporal":
		return now && !slices.ContainsFunc(rules, func(r string) bool { return count(all, i, within, []string{r}) == 0 })
	}
	first := count(all, i, within, rules[:1])
	if happens(all, i, rules[0]) {
		first-- // itself is not before
	}
	return happens(all, i, rules[1]) && first > 0
}

// What is converted is violated for the groups, and at the events, for which
// the correlation matches first, by its definition.
func TestConversionIsExact(t *testing.T) {
	found := 0
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"event_count", "value_count", "temporal", "temporal_ordered"}).Draw(t, "kind")
		names := []string{"fail", "odd", "login", "proc"}
		if kind != "event_count" && kind != "value_count" {
			names = append(names, "many")
		}
		n := 2
		if kind != "temporal_ordered" {
			n = rapid.IntRange(1, 3).Draw(t, "rules")
		}
		rules := rapid.Permutation(names).Draw(t, "names")[:n]
		within, least := rapid.IntRange(1, 5).Draw(t, "within"), rapid.IntRange(1, 4).Draw(t, "least")
		condition := ""
		if kind == "event_count" {
			condition = fmt.Sprintf("\n  condition: {gt: %d}", least-1)
			if least == 1 {
				condition = "\n  condition: {gte: 1}"
			}
		}
		if kind == "value_count" {
			condition = fmt.Sprintf("\n  condition: {field: tag, gte: %d}", least)
		}
		file := fmt.Sprintf("title: p\ncorrelation:\n  type: %s\n  rules: [%s]\n  group-by: [user]\n  timespan: %ds%s%s", kind, strings.Join(rules, ", "), within, condition, base+many)
		out, err := sigma.Convert("rules.yml", []byte(file))
		if err != nil {
			t.Fatal(err)
		}
		ps, err := props.Parse("rules.yaml", out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var all []seen
		at := 0
		for range rapid.IntRange(0, 14).Draw(t, "events") {
			at += rapid.SampledFrom([]int{0, 1, 1, 2, 3}).Draw(t, "passes")
			all = append(all, seen{at, rapid.IntRange(0, 3).Draw(t, "auth") > 0, rapid.SampledFrom([]string{"u", "v"}).Draw(t, "user"), rapid.IntRange(0, 4).Draw(t, "code"),
				rapid.SampledFrom([]string{"a.exe", "CMD.com", "sh", "zsh", "Skipped", "x"}).Draw(t, "text")})
		}
		got := judge(t, ps[0], all)
		for _, user := range []string{"u", "v"} {
			want := -1
			for i, s := range all {
				if want < 0 && s.user == user && matches(kind, rules, within, least, all, i) {
					want = i
					found++
				}
			}
			if g, ok := got[user]; ok != (want >= 0) || ok && g != want {
				t.Fatalf("%s\n%v\n%s: got %v, want %d\n%s", file, all, user, got, want, out)
			}
		}
	})
	if found == 0 {
		t.Error("nothing was found")
	}
}

func judge(t *rapid.T, p *props.Property, all []seen) map[string]int {
	program, err := monitor.Compile(p)
	if err != nil {
		t.Fatal(err)
	}
	m, got := program.Monitor(monitor.Options{}), map[string]int{}
	for i, s := range all {
		e := event.Event{ID: fmt.Sprint(i), Source: "s", Type: "process", Time: time.Date(2026, 1, 1, 0, 0, s.at, 0, time.UTC), Data: event.Data{{Name: "user", Value: event.Str(s.user)}}}
		if e.Data = e.Data.With("image", event.Str(s.text)); s.auth {
			e.Type, e.Data = "app.auth", event.Data{{Name: "user", Value: event.Str(s.user)}}
			e.Data = e.Data.With("code", event.Int(int64(s.code))).With("kind", event.Str(s.text))
		}
		e.Data = e.Data.With("tag", event.Str(s.text))
		j := m.Observe(e)
		if j.Lost.Malformed > 0 {
			t.Fatal("a malformed event")
		}
		for _, v := range j.Violations() {
			got[v.Binding[0].Value.Text()] = i
		}
	}
	return got
}

// What has no exact counterpart is refused with its place.
func TestRefusals(t *testing.T) {
	head := "title: p\ncorrelation:\n  group-by: [user]\n  timespan: 5m\n"
	for text, want := range map[string]string{
		head + "  type: value_count\n  rules: [fail]\n  condition: {gte: 3}":                                                          `r.yml:7:15: value_count has no field`,
		head + "  type: value_count\n  rules: [fail]\n  condition: {field: a.b, gte: 3}":                                              `r.yml:7:15: value_count has no field`,
		head + "  type: value_count\n  rules: [fail]\n  condition: {field: a, lt: 3}":                                                 `r.yml:7:25: condition lt: 3, wanted gt or gte`,
		head + "  type: event_count\n  rules: [fail]\n  condition: {lt: 3}":                                                           `r.yml:7:15: condition lt: 3, wanted gt or gte`,
		head + "  type: event_count\n  rules: [fail]\n  condition: {gt: 3, lte: 5}":                                                   `r.yml:7:`,
		head + "  type: event_count\n  rules: [fail]":                                                                                 `r.yml:3:3: the condition is no single one of gt and gte`,
		head + "  type: temporal_ordered\n  rules: [fail, login, proc]":                                                               `r.yml:3:3: temporal_ordered of 3 rules, wanted two`,
		head + "  type: temporal\n  rules: [fail, nobody]":                                                                            `r.yml:6:17: rule "nobody" is not in the file`,
		head + "  type: temporal\n  rules: [fail, login]\n  condition: fail or login":                                                 `r.yml:7:14: the condition is "fail or login", wanted all rules`,
		head + "  type: temporal\n  rules: [fail, login]\n  condition: {gte: 1}":                                                      `r.yml:7:`,
		head + "  type: temporal\n  rules: [fail]\n  window: sliding":                                                                 `r.yml:7:3: correlation has unknown key "window"`,
		head + "  type: event_count\n  rules: [many]\n  condition: {gte: 1}":                                                          `r.yml:6:11: rule "many" is a correlation that is no event_count`,
		"title: p\ncorrelation: {type: temporal, rules: [fail], timespan: 5 minutes}":                                                 `r.yml:2:`,
		"title: p\nlogsource: {product: x}\ndetection: {s: {a: 1}, condition: s}\n# ":                                                 "",
		head + "  type: temporal\n  rules: [k]\n---\nname: k\nlogsource: {product: x}\ndetection: {s: [word], condition: s}":          `r.yml:10:17: keywords`,
		head + "  type: temporal\n  rules: [k]\n---\nname: k\nlogsource: {product: x}\ndetection: {s: {a|base64: b}, condition: s}":   `r.yml:10:17: modifier "base64" is not supported`,
		head + "  type: temporal\n  rules: [k]\n---\nname: k\nlogsource: {product: x}\ndetection: {s: {a: b}, condition: s and t}":    `the condition names "t"`,
		head + "  type: temporal\n  rules: [k]\n---\nname: k\nlogsource: {product: x}\ndetection: {s: {a|re: '(?=x)'}, condition: s}": `is no regular expression of RE2`,
		head + "  type: temporal\n  rules: [k]\n---\nname: k\ndetection: {s: {a: b}, condition: s}":                                   `the rule has no logsource`,
		head + "  type: [": `not YAML`,
	} {
		file := text + base + many
		if want == "" {
			file, want = strings.TrimSuffix(text, "# ")+base, "r.yml: no correlation rule"
		}
		out, err := sigma.Convert("r.yml", []byte(file))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s\ngot  %v\nwant %s\n%s", text, err, want, out)
		}
	}
}
