package redisprobe

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/wtsim/wtsim/event"
)

// Redis' own limits: of a request's words, of a word's or string's bytes, and
// of the line that announces either.
const (
	mostWords = 1 << 20
	mostBytes = 512 << 20
	mostLine  = 64 << 10
)

var (
	errRequest = errors.New("redis: not a request of the Redis protocol (an array of bulk strings)")
	errReply   = errors.New("redis: not a reply of the Redis protocol")
)

// ParseRequest reads the request at the front of b: an array of bulk strings,
// which is what clients send. length is 0 if it is not whole yet. A request
// may have no words; Redis ignores it.
func ParseRequest(b []byte) (words []string, length int, err error) {
	count, length, err := scanRequest(b)
	if err != nil || length == 0 {
		return nil, 0, err
	}
	return splitRequest(nil, b[:length], count), length, nil
}

// scanRequest measures the request at the front of b; length is 0 if it is not
// whole yet.
func scanRequest(b []byte) (words, length int, err error) {
	words, at, err := scanHeader(b, 0, '*', mostWords)
	if at == 0 || err != nil {
		return 0, 0, err
	}
	for range max(words, 0) {
		size, from, err := scanHeader(b, at, '$', mostBytes)
		if from == 0 || err != nil {
			return 0, 0, err
		}
		if size < 0 {
			return 0, 0, fmt.Errorf("%w: a word is nil", errRequest)
		}
		if at = from + size + 2; at > len(b) {
			return 0, 0, nil
		}
		if b[at-2] != '\r' || b[at-1] != '\n' {
			return 0, 0, fmt.Errorf("%w: a word of %d bytes ends with %q", errRequest, size, b[at-2:at])
		}
	}
	return max(words, 0), at, nil
}

// scanHeader reads "<mark><number>\r\n"; next is 0 if it is not whole yet.
func scanHeader(b []byte, at int, mark byte, most int) (n, next int, err error) {
	if at >= len(b) {
		return 0, 0, nil
	}
	line := b[at:min(len(b), at+24)]
	if line[0] != mark {
		return 0, 0, fmt.Errorf("%w: %q, wanted %q", errRequest, line, mark)
	}
	end := bytes.IndexByte(line, '\n')
	if end < 0 && len(line) < 24 {
		return 0, 0, nil
	}
	if end < 2 || line[end-1] != '\r' {
		return 0, 0, fmt.Errorf("%w: %q, wanted %c and a number", errRequest, line, mark)
	}
	n, err = strconv.Atoi(string(line[1 : end-1]))
	if err != nil || n < -1 || n > most {
		return 0, 0, fmt.Errorf("%w: %q, wanted a number up to %d", errRequest, line[:end-1], most)
	}
	return n, at + end + 1, nil
}

// splitRequest appends the words of a request that scanRequest has measured.
// They share one copy of b.
func splitRequest(out []string, b []byte, words int) []string {
	s := string(b)
	out = slices.Grow(out, words)
	at := strings.IndexByte(s, '\n') + 1
	for range words {
		end := at + strings.IndexByte(s[at:], '\n')
		size, _ := strconv.Atoi(s[at+1 : end-1]) // measured already
		out = append(out, s[end+1:end+1+size])
		at = end + 1 + size + 2
	}
	return out
}

// readReply moves one reply, RESP2 or RESP3, whole from r to out. start is
// where in out the reply proper begins: attributes and push messages may
// stand before it.
func readReply(r *bufio.Reader, out *bytes.Buffer) (start int, err error) {
	for {
		start = out.Len()
		mark, n, err := readHead(r, out)
		switch {
		case err != nil:
			return start, err
		case mark == '|':
			err = readParts(r, out, 2*n)
		case mark == '>':
			err = readParts(r, out, n)
		default:
			return start, readRest(r, out, mark, n)
		}
		if err != nil {
			return start, err
		}
	}
}

// readHead moves a reply's first line, and returns its mark and, where the
// mark is followed by a length, that.
func readHead(r *bufio.Reader, out *bytes.Buffer) (mark byte, n int, err error) {
	start := out.Len()
	for {
		part, err := r.ReadSlice('\n')
		out.Write(part)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return 0, 0, err
		}
		if out.Len()-start > mostLine {
			return 0, 0, fmt.Errorf("%w: a line of more than %d bytes", errReply, mostLine)
		}
	}
	return parseHead(out.Bytes()[start:])
}

// parseHead reads a reply's first line.
func parseHead(line []byte) (mark byte, n int, err error) {
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return 0, 0, fmt.Errorf("%w: %q", errReply, line)
	}
	mark = line[0]
	if strings.IndexByte("+-:,#(_", mark) >= 0 {
		return mark, 0, nil
	}
	n, err = strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil || n < -1 || n > mostBytes || strings.IndexByte("$=!*~%|>", mark) < 0 {
		return 0, 0, fmt.Errorf("%w: %q", errReply, line)
	}
	return mark, n, nil
}

// readRest moves what follows a reply's first line.
func readRest(r *bufio.Reader, out *bytes.Buffer, mark byte, n int) error {
	switch mark {
	case '$', '=', '!':
		if n < 0 {
			return nil
		}
		_, err := io.CopyN(out, r, int64(n)+2)
		return err
	case '*', '~':
		return readParts(r, out, n)
	case '%':
		return readParts(r, out, 2*n)
	}
	return nil
}

func readParts(r *bufio.Reader, out *bytes.Buffer, n int) error {
	for range max(n, 0) {
		if _, err := readReply(r, out); err != nil {
			return err
		}
	}
	return nil
}

// describeReply tells a reply for people and rules: the text of a string or
// number, the error, or the number of elements. The body is a part of the reply,
// or of its own.
func describeReply(reply []byte) event.Result {
	head, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	value := head[1:]
	switch {
	case head[0] == '-':
		return event.Result{Status: string(value), Body: reply}
	case head[0] == '!':
		return event.Result{Status: string(bytes.TrimSuffix(rest, []byte("\r\n"))), Body: reply}
	case string(value) == "-1" && (head[0] == '$' || head[0] == '*') || head[0] == '_':
		return event.Result{Status: "(nil)", OK: true, Body: []byte("(nil)")}
	case head[0] == '$' || head[0] == '=':
		text := bytes.TrimSuffix(rest, []byte("\r\n"))
		if head[0] == '=' && len(text) >= 4 { // a verbatim string's kind
			text = text[4:]
		}
		return event.Result{Status: abbreviate(text), OK: true, Body: text}
	case strings.IndexByte("*~%", head[0]) >= 0:
		return event.Result{Status: "(" + string(value) + " elements)", OK: true, Body: reply}
	case string(value) == "OK":
		return event.Result{Status: "OK", OK: true, Body: value}
	}
	return event.Result{Status: string(value), OK: true, Body: value}
}

// Elements are the texts of a reply that has several, for people; none of another
// one.
func Elements(reply []byte) (all []string) {
	if len(reply) == 0 || strings.IndexByte("*%~>", reply[0]) < 0 {
		return nil
	}
	for body := string(reply); body != ""; {
		head, rest, _ := strings.Cut(body, "\r\n")
		if head == "" {
			return all
		}
		switch n, err := strconv.Atoi(head[1:]); {
		case strings.IndexByte("*%~>", head[0]) >= 0: // what follows is in it
		case head[0] == '$' && err == nil && n >= 0 && n <= len(rest):
			all, rest = append(all, rest[:n]), strings.TrimPrefix(rest[n:], "\r\n")
		case head[0] == '$' || head[0] == '_':
			all = append(all, "(nil)")
		default:
			all = append(all, head[1:])
		}
		body = rest
	}
	return all
}

// result tells the reply of a turn: a transaction whose watched keys have
// changed is refused. The body is a part of the reply if it is passing: else it
// is of its own.
func (t *turn) result(reply []byte, passing bool) event.Result {
	r := describeReply(reply)
	if r.OK = r.OK && !(t.exec && r.Status == "(nil)"); !passing {
		r.Body = bytes.Clone(r.Body)
	}
	return r
}

func abbreviate(text []byte) string {
	const most = 40
	var room [4*most + 2]byte
	s := strconv.AppendQuote(room[:0], string(text[:min(len(text), most)]))
	if len(s) > most {
		return strings.ToValidUTF8(string(s[:most-4]), "") + `..."`
	}
	return string(s)
}
