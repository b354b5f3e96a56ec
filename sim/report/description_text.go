package report

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/wtsim/wtsim/cloud"
)

// Text is the description for people.
func (d *Description) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", d.Name, d.Doc)
	switch {
	case d.Deviations != nil:
		fmt.Fprintf(&b, "expected: a property is violated, with %s\n", Plural(*d.Deviations, "deviation"))
	case len(d.Relies) > 0:
		fmt.Fprintf(&b, "expected: the properties hold, because of %s\n", List(d.Relies))
	default:
		b.WriteString("expected: the properties hold\n")
	}
	section(&b, "clients", d.Clients)
	section(&b, "jobs", d.Jobs)
	section(&b, "functions", functionParts(d.Functions))
	if len(d.Topics) > 0 {
		fmt.Fprintf(&b, "\ntopics\n  %s\n", strings.Join(d.Topics, ", "))
	}
	section(&b, "subscriptions", d.Subscriptions)
	section(&b, "queues", d.Queues)
	section(&b, "services", d.Services)
	section(&b, "flow", flowParts(d.Flow))
	var events []describedPart
	for _, e := range d.Events {
		events = append(events, describedPart{e.What, "-> " + e.Name})
	}
	section(&b, "events", events)
	b.WriteString("\nproperties\n")
	for _, p := range d.Properties {
		fmt.Fprintf(&b, "  %s\n      %s\n", oneLine(p.Name), oneLine(p.What))
	}
	fmt.Fprintf(&b, "  and of every application: %s\n", strings.Join(d.Always, "; "))
	b.WriteString("\nfaults\n" + d.Faults.text())
	return b.String()
}

// section prints a heading and a list of two columns, or nothing.
func section(b *strings.Builder, heading string, list []describedPart) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", heading)
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, p := range list {
		fmt.Fprintf(w, "  %s\t%s\n", oneLine(p.Name), oneLine(p.What))
	}
	_ = w.Flush() // to memory
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// functionParts are the lines of functions: one for its limits, one for each
// further trigger.
func functionParts(functions []describedFunction) []describedPart {
	var out []describedPart
	for _, f := range functions {
		limits := []string{"timeout " + f.Timeout, fmt.Sprintf("concurrency %d", f.Concurrency), fmt.Sprintf("at most %d instances", f.MaxInstances)}
		if f.MinInstances > 0 {
			limits[2] = fmt.Sprintf("%d to %d instances", f.MinInstances, f.MaxInstances)
		}
		out = append(out, describedPart{f.Name, strings.Join(append(limits, f.Notes...), ", ")})
		for _, t := range f.Triggers {
			out = append(out, describedPart{"", t})
		}
	}
	return out
}

// flowParts are the edges, by where they begin.
func flowParts(f Flow) []describedPart {
	var out []describedPart
	for i, n := range f.Nodes {
		var to []string
		for _, e := range f.Edges {
			if e.From != i {
				continue
			}
			text := nodeWords(f.Nodes[e.To])
			if e.Label != "" {
				text += " (" + e.Label + ")"
			}
			to = append(to, text)
		}
		if len(to) > 0 {
			out = append(out, describedPart{nodeWords(n), "-> " + strings.Join(to, ", ")})
		}
	}
	return out
}

// nodeWords name a node; of functions and services the name is enough.
func nodeWords(n FlowNode) string {
	if n.Kind == "function" || n.Kind == "service" {
		return n.Name
	}
	return n.Kind + " " + n.Name
}

func (f *describedFaults) text() string {
	var b strings.Builder
	if f.Most == 0 {
		b.WriteString("  none: only the order of what happens varies\n")
	} else {
		fmt.Fprintf(&b, "  at most %d a run\n", f.Most)
	}
	kinds := strings.Join(f.Kinds, ", ")
	if len(f.Kinds) == len(cloud.Kinds()) {
		kinds = "all that `wtsim faults` lists"
	}
	fmt.Fprintf(&b, "  kinds: %s\n", kinds)
	if len(f.Functions) > 0 {
		fmt.Fprintf(&b, "  at functions: %s\n", strings.Join(f.Functions, ", "))
	}
	if len(f.Services) > 0 {
		fmt.Fprintf(&b, "  at services: %s\n", strings.Join(f.Services, ", "))
	}
	if f.Skew != "" {
		fmt.Fprintf(&b, "  clocks are off by up to %s\n", f.Skew)
	}
	if f.Outage != "" {
		fmt.Fprintf(&b, "  a service may be down for %s\n", f.Outage)
	}
	return b.String()
}
