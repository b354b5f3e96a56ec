package cloud

// Label names something that happens in a run: in full, and as it would be
// named had nothing come again, so that nobody needs to read that out of the
// text.
type Label struct {
	Text    string // in full: "charge(place-order(alice/1)~retry.orders/1)~dup"
	First   string // as in the first attempts: without "~retry"
	Reason  string // what it is there for, which all attempts, duplicates, and what they leave running have in common
	Retries int    // of it, and of what it follows from
}

// Named is the label of what comes for the first time.
func Named(text string) Label { return Label{Text: text, First: text, Reason: text} }

// String returns it in full.
func (l Label) String() string { return l.Text }

// With is the label with a text after it.
func (l Label) With(after string) Label { return l.Within("", after) }

// Within is the label with a text before and after it.
func (l Label) Within(before, after string) Label {
	return l.Each(func(s string) string { return before + s + after })
}

// Each is the label with its texts rewritten.
func (l Label) Each(f func(string) string) Label {
	out := Label{Text: f(l.Text), Retries: l.Retries}
	if out.First = out.Text; l.First != l.Text {
		out.First = f(l.First)
	}
	if out.Reason = out.First; l.Reason != l.First {
		out.Reason = f(l.Reason)
	}
	return out
}

// Again is the label of what comes again.
func (l Label) Again(why Again) Label {
	if l.Text += string(why); why == Retry {
		l.Retries++
	} else {
		l.First += string(why)
	}
	return l
}

// Join is the label of both, one after the other.
func (l Label) Join(o Label) Label {
	return Label{l.Text + o.Text, l.First + o.First, l.Reason + o.Reason, l.Retries + o.Retries}
}
