package cloud

import "testing"

// A label keeps what came again apart from its text, through all that it goes
// into: what reads the text would not, where an application's own names hold
// the same words.
func TestLabel(t *testing.T) {
	first := NameTask("place", About(Named("a~retry/1")))
	again := first.Again(Retry)
	m := Numbered(again.Label.With(".orders"), 2, 3)
	d := NameTask("charge", m).Again(Retry).Again(Dup).Again(Retry)
	if want := (Label{
		Text:    "charge(place(a~retry/1)~retry.orders/2.3)~retry~dup~retry",
		First:   "charge(place(a~retry/1).orders/2.3)~dup",
		Reason:  "charge(place(a~retry/1).orders/2.3)",
		Retries: 3,
	}); d.Label != want {
		t.Errorf("got %+v, want %+v", d.Label, want)
	}
	if got := d.Copy(); got.Text != "~retry~dup" || got.Retries != 1 {
		t.Errorf("got the copy %+v", got)
	}
	for name, want := range map[TaskName]bool{first: false, again: false, again.Again(Dup): true, d: false, d.Again(Dup): true} {
		if name.Doubled() != want {
			t.Errorf("%s: a duplicate: got %v", name, !want)
		}
	}
}
