package smtp_test

import (
	"context"
	"fmt"
	netsmtp "net/smtp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/smtp"
	"github.com/wtsim/wtsim/probe"
)

// send sends a mail by net/smtp.
func send(e *fakestest.Env, to string) error {
	c, err := netsmtp.NewClient(smtp.Dial(e, "smtp"), "localhost")
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Auth(netsmtp.PlainAuth("", "u", "p", "localhost")); err != nil {
		return err
	}
	if err := c.Mail("shop@example.com"); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "To: %s\r\nSubject: Welcome\r\n\r\n.hidden\r\n", to); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

// A mail is sent, refused, sent without its sender's hearing of it, and never sent.
func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(context.Background(), smtp.New("smtp"))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for _, c := range []struct {
			fate probe.Fate
			err  string // a part of it
			sent int    // by then
		}{
			{probe.Fate{}, "", 1},
			{probe.Fate{Action: probe.Refuse, With: "451"}, "4.3.0 try again later", 1},
			{probe.Fate{Action: probe.Lose}, "connection reset", 2},
			{probe.Fate{Action: probe.Cut}, "connection reset", 2},
		} {
			e.Verdict = func(*probe.Call) probe.Fate { return c.fate }
			err := send(e, "ann@example.com")
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: got %v, wanted %q", c.fate, err, c.err)
			}
			if sent := e.Backend("").Contents(); len(sent) != c.sent || sent[0].Key != "ann@example.com/1" || sent[0].Value != "Welcome" {
				t.Errorf("%v: sent %v, wanted %d", c.fate, sent, c.sent)
			}
		}
		if op := e.Operations()[0]; op.Method != "SEND" || op.Resource != "ann@example.com" || !strings.Contains(string(op.Request.Body), `"subject":"Welcome"`) {
			t.Errorf("the operation is %s %s %s", op.Method, op.Resource, op.Request.Body)
		}
		if err := send(e, "nobody"); err == nil || !strings.Contains(err.Error(), "550") {
			t.Errorf("to no address: %v", err)
		}
	})
}

// What is not here is refused by name.
func TestLacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, err := fakestest.Open(context.Background(), smtp.New("smtp"))
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		c, err := netsmtp.NewClient(smtp.Dial(e, "smtp"), "localhost")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Verify("ann@example.com"); err == nil || fmt.Sprint(e.Kernel.Lacking()) != "[SMTP's VRFY]" {
			t.Errorf("got %v, lacking %q", err, e.Kernel.Lacking())
		}
	})
}
