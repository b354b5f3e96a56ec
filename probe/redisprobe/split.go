package redisprobe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
)

// turn is one request and its answer: an operation, or (call nil) one without
// effect, such as those that set a connection up.
type turn struct {
	call       *probe.Call
	raw        []byte
	exec       bool // an answer of nil means that nothing was done
	subscribes bool // it has no answer of its own: all that follows is pushed
	pushed     bool // its answer is pushed (RESP3); what follows has answers
	hello      bool // its answer tells the version of the protocol
}

// splitter cuts what a client writes into turns.
type splitter struct {
	service string
	target  string      // of the operations' requests
	buf     []byte      // raws of turns that are not over, then what is not yet a whole request
	parsed  int         // where in buf the latter begins
	group   [][]string  // MULTI and what follows, until EXEC or DISCARD
	watched []string    // keys that the next EXEC depends on
	turns   []turn      // what add returned last
	words   []string    // of the request that is looked at
	spare   *probe.Call // one that is over, whose memory can be used again; nil if there is none

	resp3, subscribed bool // what is pushed is told apart from answers; it has subscribed
}

// add takes bytes and returns the turns that they complete. idle says that
// every earlier turn is over, so that their memory can be used again. The
// result is valid until the next call.
func (s *splitter) add(b []byte, idle bool) ([]turn, error) {
	if idle && s.parsed == len(s.buf) {
		if s.parsed = 0; cap(s.buf) > 64<<10 {
			s.buf = nil
		}
		s.buf = s.buf[:0]
	}
	s.buf = append(s.buf, b...)
	clear(s.turns)
	s.turns = s.turns[:0]
	for {
		count, n, err := scanRequest(s.buf[s.parsed:])
		if err != nil || n == 0 {
			return s.turns, err
		}
		raw := s.buf[s.parsed : s.parsed+n : s.parsed+n]
		s.parsed += n
		if count == 0 { // Redis ignores it too
			continue
		}
		s.words = splitRequest(s.words[:0], raw, count)
		t, err := s.request(s.words, raw)
		if err != nil {
			return s.turns, err
		}
		s.turns = append(s.turns, t)
	}
}

// request tells what a request is. MULTI and what is queued after it have no
// effect: the operation is EXEC. The words are not kept.
func (s *splitter) request(words []string, raw []byte) (turn, error) {
	name := commandName(words)
	t := turn{raw: raw}
	inGroup := len(s.group) > 0
	switch {
	case name == "MULTI" || inGroup && name != "EXEC" && name != "DISCARD":
		s.group = append(s.group, slices.Clone(words))
	case inGroup:
		call := s.call()
		call.Op = describeTransaction(append(s.group, words), s.watched)
		t.call = s.named(call)
		t.exec = name == "EXEC"
		s.group, s.watched = nil, nil
	case name == "CLIENT" && len(words) > 1 && strings.EqualFold(words[1], "REPLY"):
		return t, fmt.Errorf("redis: %s is not supported: every request must have its answer", strings.Join(words, " "))
	case isSetup(name):
		t.hello = name == "HELLO"
		if name == "UNWATCH" || name == "RESET" {
			s.watched = nil
		}
	case s.resp3 && isUnsubscription(name):
		t.pushed = true
	case s.subscribed && name == "PING": // keeps the connection alive
	default:
		if name == "WATCH" {
			s.watched = appendNew(s.watched, words[1:]...)
		}
		call := s.call()
		words = append(call.Op.Request.Words[:0], words...)
		call.Op = describeCommand(words)
		t.call = s.named(call)
		t.subscribes = isSubscription(name)
		if t.subscribes && s.resp3 && name != "MONITOR" {
			t.subscribes, t.pushed, s.subscribed = false, true, true
		}
	}
	return t, nil
}

// call is a new one, in memory that may have been another's.
func (s *splitter) call() *probe.Call {
	c := s.spare
	if s.spare = nil; c == nil {
		return &probe.Call{}
	}
	*c = probe.Call{Op: event.Operation{Request: event.Payload{Words: c.Op.Request.Words[:0]}}}
	return c
}

func (s *splitter) named(c *probe.Call) *probe.Call {
	c.Op.Service, c.Op.Request.Target = s.service, s.target
	return c
}
