package search

import "testing"

// What kills a process is told from what it prints on purpose.
func TestFatal(t *testing.T) {
	stack := "panic: boom\n\ngoroutine 7 [running, synctest bubble 1]{\"wtsim\": \"12 charge(place-order(a/1).orders/1)\"}:\nmain.f()\n"
	if ReadFatal("", "wtsim: panic: is a word\n") != nil {
		t.Error("a panic is not told from its mention")
	}
	if f := ReadFatal("exit status 2", stack); f == nil || f.Why != "panic: boom" || f.Function != "charge" {
		t.Errorf("got %+v", f)
	}
}
