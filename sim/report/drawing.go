package report

import (
	"fmt"
	"strings"
)

// The shapes of nodes: of Mermaid what stands around the label, of Graphviz
// the shape's name.
var shapes = map[string]struct{ open, close, dot string }{
	"client":       {"([", "])", "oval"},
	"job":          {"{{", "}}", "hexagon"},
	"function":     {"[", "]", "box"},
	"topic":        {"[/", "/]", "parallelogram"},
	"subscription": {"[\\", "\\]", "parallelogram"},
	"queue":        {"[[", "]]", "box3d"},
	"service":      {"[(", ")]", "cylinder"},
}

var mermaidEscape = strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", `\`, "#92;", "\n", " ", "\t", " ")

// Mermaid draws a flow as a flowchart of Mermaid.
func (f Flow) Mermaid() string {
	var b strings.Builder
	b.WriteString("flowchart LR\n")
	for i, n := range f.Nodes {
		s := shapes[n.Kind]
		fmt.Fprintf(&b, "  n%d%s\"%s\"%s\n", i, s.open, mermaidEscape.Replace(nodeWords(n)), s.close)
	}
	for _, e := range f.Edges {
		arrow := "-->"
		if e.Label != "" {
			arrow = fmt.Sprintf("-->|\"%s\"|", mermaidEscape.Replace(e.Label))
		}
		fmt.Fprintf(&b, "  n%d %s n%d\n", e.From, arrow, e.To)
	}
	return b.String()
}

var dotEscape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ")

// Dot draws a flow as a graph of Graphviz.
func (f Flow) Dot(name string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph \"%s\" {\n  rankdir=LR\n", dotEscape.Replace(name))
	for i, n := range f.Nodes {
		fmt.Fprintf(&b, "  n%d [shape=%s label=\"%s\"]\n", i, shapes[n.Kind].dot, dotEscape.Replace(nodeWords(n)))
	}
	for _, e := range f.Edges {
		label := ""
		if e.Label != "" {
			label = fmt.Sprintf(" [label=\"%s\"]", dotEscape.Replace(e.Label))
		}
		fmt.Fprintf(&b, "  n%d -> n%d%s\n", e.From, e.To, label)
	}
	b.WriteString("}\n")
	return b.String()
}
