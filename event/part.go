package event

import (
	"strconv"
	"strings"
	"unsafe"
)

// Part finds what a dotted path leads to in a text that is known to be JSON, and
// UTF-8: fields of objects by name, of one that occurs twice the last, and elements of
// arrays by place. It returns the part of the text. No tree is made of the rest, so
// that few fields of a long text cost little.
func Part(text []byte, path string) (part []byte, ok bool) {
	for name := range strings.SplitSeq(path, ".") {
		s := scanner{s: unsafe.String(unsafe.SliceData(text), len(text)), loose: true} // which is gone before the text can change
		from, to := s.part(name)
		if to == 0 {
			return nil, false
		}
		text = text[from:to]
	}
	return text, true
}

// part is where the part of a name is; 0, 0 if there is none.
func (s *scanner) part(name string) (from, to int) {
	switch s.next() {
	case '{':
		err := s.each(func(n string) error {
			start := s.i
			_, err := s.value()
			if n == name {
				from, to = start, s.i
			}
			return err
		})
		if err == nil {
			return from, to
		}
	case '[':
		place, err := strconv.Atoi(name)
		if err != nil || place < 0 {
			return 0, 0
		}
		for s.i++; s.next() != ']'; place-- {
			start := s.i
			if _, err := s.value(); err != nil {
				return 0, 0
			}
			if place == 0 {
				return start, s.i
			}
			s.take(',')
		}
	}
	return 0, 0
}
