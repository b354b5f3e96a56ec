package monitor

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Numbers are written as varints, texts and lists with their length before
// them. The end is the SHA-256 of all before it.

// encoder writes; the first error stays.
type encoder struct {
	w    *bufio.Writer
	sum  hash.Hash
	room []byte
}

func newEncoder(w io.Writer) *encoder {
	sum := sha256.New()
	return &encoder{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16), sum: sum}
}

// close writes the sum.
func (e *encoder) close(w io.Writer) error {
	if err := e.w.Flush(); err != nil {
		return err
	}
	_, err := w.Write(e.sum.Sum(nil))
	return err
}

func (e *encoder) write(b []byte) {
	e.room = b
	e.w.Write(b) //nolint:errcheck // told by Flush
}

func (e *encoder) uint(n uint64) { e.write(binary.AppendUvarint(e.room[:0], n)) }
func (e *encoder) count(n int)   { e.uint(uint64(n)) }
func (e *encoder) int(n int64)   { e.write(binary.AppendVarint(e.room[:0], n)) }
func (e *encoder) bits(n uint64) { e.write(binary.LittleEndian.AppendUint64(e.room[:0], n)) }
func (e *encoder) text(s string) {
	e.write(append(binary.AppendUvarint(e.room[:0], uint64(len(s))), s...))
}

func (e *encoder) bool(b bool) {
	if b {
		e.uint(1)
	} else {
		e.uint(0)
	}
}

// Limits of what a checkpoint may hold, so that a broken one is told before
// it fills the memory.
const (
	maxText = 1 << 26
	maxList = 1 << 32
)

// decoder reads; after an error everything is zero.
type decoder struct {
	r    *bufio.Reader
	sum  hash.Hash
	read []byte // not summed yet
	at   int64
	err  error
}

func newDecoder(r io.Reader) *decoder {
	return &decoder{r: bufio.NewReaderSize(r, 1<<16), sum: sha256.New()}
}

// fail keeps the first error, with its place.
func (d *decoder) fail(why string) {
	if d.err == nil {
		d.err = fmt.Errorf("damaged at byte %d: %s", d.at, why)
	}
}

// ReadByte is for the varints of package binary.
func (d *decoder) ReadByte() (byte, error) {
	if d.err != nil {
		return 0, d.err
	}
	b, err := d.r.ReadByte()
	if err != nil {
		d.fail(readError(err))
		return 0, d.err
	}
	d.at++
	if d.read = append(d.read, b); len(d.read) >= 1<<12 {
		d.addUp()
	}
	return b, nil
}

func (d *decoder) addUp() {
	d.sum.Write(d.read)
	d.read = d.read[:0]
}

func readError(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too soon"
	}
	return err.Error()
}

func (d *decoder) uint() uint64 {
	n, err := binary.ReadUvarint(d)
	if err != nil {
		d.fail("a number is too long")
		return 0
	}
	return n
}

func (d *decoder) int() int64 {
	n, err := binary.ReadVarint(d)
	if err != nil {
		d.fail("a number is too long")
		return 0
	}
	return n
}

// below reads a number that is less than a limit.
func (d *decoder) below(limit int, what string) int {
	n := d.uint()
	if d.err == nil && n >= uint64(max(limit, 0)) {
		d.fail(fmt.Sprintf("%s is %d, wanted less than %d", what, n, limit))
	}
	if d.err != nil {
		return 0
	}
	return int(n)
}

// count reads the length of a list. The list itself grows as it is read, so
// that a length alone takes no memory.
func (d *decoder) count() int { return d.below(maxList, "a length") }

func (d *decoder) bool() bool { return d.below(2, "a truth value") == 1 }

func (d *decoder) fill(b []byte) {
	if d.err != nil {
		return
	}
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.fail(readError(err))
		clear(b)
		return
	}
	d.at += int64(len(b))
	d.addUp()
	d.sum.Write(b)
}

func (d *decoder) bits() uint64 {
	var b [8]byte
	d.fill(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (d *decoder) text() string {
	n := d.below(maxText, "the length of a text")
	var all []byte
	for n > 0 && d.err == nil {
		b := make([]byte, min(n, 1<<16))
		d.fill(b)
		all, n = append(all, b...), n-len(b)
	}
	return string(all)
}

// close compares the sum.
func (d *decoder) close() error {
	d.addUp()
	want := d.sum.Sum(nil)
	got := make([]byte, len(want))
	if d.fill(got); d.err == nil && !bytes.Equal(got, want) {
		d.fail("its sum is another, wanted what Checkpoint has written")
	}
	if _, err := d.r.ReadByte(); d.err == nil && !errors.Is(err, io.EOF) {
		d.fail("something follows")
	}
	return d.err
}
