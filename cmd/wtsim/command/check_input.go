package command

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"

	"github.com/klauspost/compress/zstd"
)

// eventInput is the events file, decompressed.
type eventInput struct {
	io.Reader
	name    string
	counted *countingReader
	size    int64 // of the file as it is; 0 if not known
	live    bool  // lines may come one by one
	close   []func() error
}

// openEvents opens a file, or standard input for "-". Gzip and zstd are told
// by their first bytes.
func openEvents(name string) (*eventInput, error) {
	in := &eventInput{name: name}
	file := os.Stdin
	if name == "-" {
		in.name = "standard input"
	} else {
		var err error
		if file, err = os.Open(name); err != nil {
			return nil, fmt.Errorf("--events: %w", err)
		}
		info, err := file.Stat()
		if err != nil || info.IsDir() {
			file.Close()
			return nil, fmt.Errorf("--events: %s is a directory, wanted a file", name)
		}
		in.size = info.Size()
		in.close = append(in.close, file.Close)
	}
	in.counted = &countingReader{r: file}
	if err := in.decompress(); err != nil {
		in.Close()
		return nil, fmt.Errorf("%s: %w", in.name, err)
	}
	return in, nil
}

func (in *eventInput) decompress() error {
	b := bufio.NewReaderSize(in.counted, lineBlock/2) // what is read in larger pieces it passes on
	in.Reader, in.live = b, in.size == 0
	head, err := b.Peek(4)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return err
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(b)
		if err != nil {
			return fmt.Errorf("broken gzip: %w", err)
		}
		in.Reader, in.live = r, false
	case isZstd(head):
		r, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return fmt.Errorf("broken zstd: %w", err)
		}
		in.Reader, in.live = r, false
		in.close = append(in.close, func() error { r.Close(); return nil })
	}
	return nil
}

// isZstd tells zstd by its first bytes: those of a frame, or of one to be
// skipped, which parallel compressors put first.
func isZstd(head []byte) bool {
	return bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(head) == 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:], []byte{0x2a, 0x4d, 0x18})
}

// Close closes the file.
func (in *eventInput) Close() {
	for i := len(in.close) - 1; i >= 0; i-- {
		_ = in.close[i]() // it was only read
	}
}

// consumed is the part of the file that was read; 0 if that is not known.
func (in *eventInput) consumed() float64 {
	if in.size == 0 {
		return 0
	}
	return float64(in.counted.n) / float64(in.size)
}

type countingReader struct {
	r io.Reader
	n int64
}

// Read counts what it reads.
func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// lineReader cuts its input into lines that are parts of a block of memory: no
// line is copied on its own.
type lineReader struct {
	r     io.Reader
	live  bool   // what comes is taken as it comes
	block string // lines that were not returned yet
	rest  []byte // the beginning of a line whose end was not read yet
	size  int
	err   error
	begun bool
}

var (
	errNoMore = errors.New("no more lines")                  // the end of all lines
	errNoLine = errors.New("no line, wanted a call of fill") // there is none yet
)

// lineBlock is how much is read at once: some of it fits into a core's cache.
var lineBlock = 1 << 16

const maxLine = 1 << 26

func newLineReader(r io.Reader, live bool) *lineReader {
	return &lineReader{r: r, live: live, size: lineBlock}
}

// next returns a line without its end, if there is one without reading on.
func (l *lineReader) next() (string, error) {
	if i := strings.IndexByte(l.block, '\n'); i >= 0 {
		line := l.block[:i]
		l.block = l.block[i+1:]
		return line, nil
	}
	switch {
	case l.err == nil:
		return "", errNoLine
	case l.block != "":
		line := l.block
		l.block = ""
		return line, nil
	case errors.Is(l.err, io.EOF):
		return "", errNoMore
	}
	return "", l.err
}

// fill reads on, after next had no line. What has no end yet waits for the
// next block. It reads into a block that it was given before, whose lines are
// lost then, or into a new one, and returns it.
func (l *lineReader) fill(buffer []byte) []byte {
	if l.size > maxLine {
		l.err = fmt.Errorf("a line is longer than %d MiB", maxLine>>20)
		return buffer
	}
	if len(buffer) != l.size {
		buffer = make([]byte, l.size)
	}
	n := copy(buffer, l.rest)
	for l.err == nil && n < len(buffer) {
		var got int
		got, l.err = l.r.Read(buffer[n:])
		if n += got; l.live && got > 0 {
			break
		}
	}
	text := buffer[:n]
	if !l.begun {
		text = bytes.TrimPrefix(text, []byte("\ufeff"))
		l.begun = true
	}
	end := bytes.LastIndexByte(text, '\n') + 1
	if l.err != nil {
		end = len(text)
	}
	l.block, l.rest = unsafe.String(unsafe.SliceData(text), end), append(l.rest[:0], text[end:]...)
	if l.size = lineBlock; end == 0 && 2*n > l.size {
		l.size = 2 * n
	}
	return buffer
}

func blank(line string) bool { return strings.Trim(line, " \t\r") == "" }
