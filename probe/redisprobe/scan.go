package redisprobe

import (
	"bytes"
	"fmt"
	"slices"
)

// replyScanner finds replies in bytes that come piece by piece, as they are read.
type replyScanner struct {
	buf   []byte
	start int   // where the reply begins that is being looked for
	at    int   // where its next part begins
	open  []int // of each aggregate that is not over, outermost first: how many parts are wanted yet
	aside bool  // what is open stands before the reply: an attribute, or what the server pushes
}

// add takes bytes.
func (s *replyScanner) add(b []byte) {
	if s.start == len(s.buf) {
		if s.start, s.at = 0, 0; cap(s.buf) > 64<<10 {
			s.buf = nil
		}
		s.buf = s.buf[:0]
	}
	s.buf = append(s.buf, b...)
}

// rest is what no reply was found in.
func (s *replyScanner) rest() []byte { return s.buf[s.start:] }

// next returns the next reply, without what stands before it; nil if it is not
// whole yet. It is valid until the next add.
func (s *replyScanner) next() ([]byte, error) {
	for {
		mark, parts, whole, err := s.part()
		if !whole || err != nil {
			return nil, err
		}
		if len(s.open) == 0 && (mark == '|' || mark == '>') {
			s.aside = true
		}
		if parts > 0 {
			s.open = append(s.open, parts)
			continue
		}
		for len(s.open) > 0 {
			last := len(s.open) - 1
			if s.open[last]--; s.open[last] > 0 {
				break
			}
			s.open = s.open[:last]
		}
		if len(s.open) > 0 {
			continue
		}
		reply := s.buf[s.start:s.at]
		s.start = s.at
		if !s.aside {
			return reply, nil
		}
		s.aside = false
	}
}

// part moves over the next part: a scalar, or an aggregate's first line. parts is
// how many follow that belong to it.
func (s *replyScanner) part() (mark byte, parts int, whole bool, err error) {
	end := bytes.IndexByte(s.buf[s.at:], '\n') + 1
	if end == 0 {
		if len(s.buf)-s.at > mostLine {
			return 0, 0, false, fmt.Errorf("%w: a line of more than %d bytes", errReply, mostLine)
		}
		return 0, 0, false, nil
	}
	mark, n, err := parseHead(s.buf[s.at : s.at+end])
	if err != nil {
		return 0, 0, false, err
	}
	switch mark {
	case '$', '=', '!':
		if n >= 0 {
			end += n + 2
		}
		if s.at+end > len(s.buf) {
			s.buf = slices.Grow(s.buf, s.at+end-len(s.buf))
			return 0, 0, false, nil
		}
	case '*', '~', '>':
		parts = n
	case '%':
		parts = 2 * n
	case '|':
		if parts = 2 * n; len(s.open) > 0 {
			parts++ // within a reply, what it is an attribute of comes with it
		}
	}
	s.at += end
	return mark, parts, true, nil
}
