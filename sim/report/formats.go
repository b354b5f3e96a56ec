package report

import (
	"cmp"
	"encoding/xml"
	"io"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/internal/version"
	"github.com/wtsim/wtsim/sim"
)

// Outcome is what a search, or a test, has come to, for other tools: in the
// formats that continuous integration understands.
type Outcome struct {
	Name    string // of the test or the scenario
	Verdict sim.Verdict
	Rule    string // the property that is violated, or what could not be judged
	Message string // on a line
	Text    string // all that is told
	File    string // where it is to be seen: a counterexample, or the test; may be empty
	Line    int    // of the file; 0 if it is not known
	Seconds float64
}

// OutcomeOf is the outcome of a search; text is what people are told of it.
func OutcomeOf(s Summary, text string) Outcome {
	o := Outcome{Name: s.Scenario, Verdict: s.Verdict, Rule: "inconclusive", Message: s.Why, Text: text, File: s.Counterexample, Seconds: float64(s.ElapsedNS) / 1e9}
	if s.Violation != nil {
		o.Rule, o.Message = s.Violation.Property, firstLine(text)
	}
	return o
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// gitHubText and gitHubValue are what GitHub's workflow commands escape.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
var (
	gitHubText  = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	gitHubValue = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// GitHub is an annotation: an error for a violation, a warning for what could
// not be judged, nothing for what holds.
func (o Outcome) GitHub() string {
	var b strings.Builder
	switch o.Verdict {
	case sim.Held:
		return ""
	case sim.Violated:
		b.WriteString("::error ")
	default:
		b.WriteString("::warning ")
	}
	if o.File != "" {
		b.WriteString("file=" + gitHubValue.Replace(o.File) + ",")
		if o.Line > 0 {
			b.WriteString("line=" + strconv.Itoa(o.Line) + ",")
		}
	}
	b.WriteString("title=" + gitHubValue.Replace(o.Name+": "+o.Rule) + "::" + gitHubText.Replace(strings.TrimSpace(cmp.Or(o.Text, o.Message))) + "\n")
	return b.String()
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Errors   int         `xml:"errors,attr"`
	Time     float64     `xml:"time,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name      string        `xml:"name,attr"`
	ClassName string        `xml:"classname,attr"`
	Time      float64       `xml:"time,attr"`
	Failure   *junitMessage `xml:"failure,omitempty"`
	Error     *junitMessage `xml:"error,omitempty"`
}

type junitMessage struct {
	Type    string `xml:"type,attr"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// JUnit writes outcomes as a test suite: a violation is a failure, what could not
// be judged an error.
func JUnit(w io.Writer, all []Outcome) error {
	s := junitSuite{Name: "wtsim", Tests: len(all)}
	for _, o := range all {
		c := junitCase{Name: o.Name, ClassName: "wtsim", Time: o.Seconds}
		told := &junitMessage{o.Rule, o.Message, o.Text}
		switch o.Verdict {
		case sim.Held:
		case sim.Violated:
			c.Failure = told
			s.Failures++
		default:
			c.Error = told
			s.Errors++
		}
		s.Cases, s.Time = append(s.Cases, c), s.Time+o.Seconds
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// object is an object of JSON that is written once.
type object map[string]any

// SARIF writes outcomes that do not hold as the results of an analysis.
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
func SARIF(w io.Writer, all []Outcome) error {
	rules, results, known := []object{}, []object{}, map[string]bool{}
	for _, o := range all {
		if o.Verdict == sim.Held {
			continue
		}
		id := o.Name + ": " + o.Rule
		if !known[id] {
			known[id] = true
			rules = append(rules, object{"id": id, "shortDescription": object{"text": o.Rule}})
		}
		level := "error"
		if o.Verdict != sim.Violated {
			level = "warning"
		}
		result := object{"ruleId": id, "level": level, "message": object{"text": strings.TrimSpace(cmp.Or(o.Text, o.Message))}}
		if o.File != "" {
			result["locations"] = []object{{"physicalLocation": object{
				"artifactLocation": object{"uri": o.File}, "region": object{"startLine": max(o.Line, 1)}}}}
		}
		results = append(results, result)
	}
	e := encoder(w)
	e.SetIndent("", "  ")
	return e.Encode(object{"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": []object{{
		"tool":    object{"driver": object{"name": "wtsim", "version": version.Wtsim(), "informationUri": "https://github.com/wtsim/wtsim", "rules": rules}},
		"results": results}}})
}
