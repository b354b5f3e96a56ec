package codec

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
)

// Numbers are written as varints, texts and lists with their length before
// them. The end is the SHA-256 of all before it.

// Encoder writes; the first error stays.
type Encoder struct {
	w     io.Writer // nil of a snapshot
	sum   hash.Hash
	kept  []byte // of what is encoded, not written yet
	limit int
	parts []part // of a snapshot
	err   error
}

// part is what a snapshot writes behind some bytes of what it keeps.
type part struct {
	behind int
	write  func(*Encoder)
}

func NewEncoder(w io.Writer) *Encoder {
	return &Encoder{w: w, sum: sha256.New(), limit: bufferFor(w)}
}

// NewSnapshot returns an encoder of what changes soon. It keeps what it is given,
// and the parts that are written [Encoder.Later], until WriteSnapshot.
func NewSnapshot() *Encoder { return &Encoder{limit: math.MaxInt} }

// Later has a part written: at once, or, of a snapshot, by WriteSnapshot, whatever
// happens meanwhile. What the part is about must not change by then: see [Copy].
func (e *Encoder) Later(write func(*Encoder)) {
	if !e.Snapshot() {
		write(e)
		return
	}
	e.parts = append(e.parts, part{len(e.kept), write})
}

// Snapshot tells whether it is one: what parts are about must be copied then.
func (e *Encoder) Snapshot() bool { return e.w == nil }

// Copy returns a list as a part that is written later needs it: a copy, if it may
// change until then.
func Copy[T any](e *Encoder, list []T) []T {
	if e.Snapshot() {
		return slices.Clone(list)
	}
	return list
}

// WriteSnapshot writes a snapshot and its sum. Another goroutine than the one that has made
// it may call it.
func (e *Encoder) WriteSnapshot(w io.Writer) error {
	out, from := NewEncoder(w), 0
	for _, p := range append(e.parts, part{len(e.kept), func(*Encoder) {}}) {
		out.grown(append(out.kept, e.kept[from:p.behind]...))
		from = p.behind
		p.write(out)
	}
	return out.Close(w)
}

// bufferFor is how much is written or read at once: little where the other end is
// in memory, as that of many small checkpoints is.
func bufferFor(end any) int {
	if _, inMemory := end.(interface{ Len() int }); inMemory {
		return 1 << 10
	}
	return 1 << 16
}

// Close writes the sum.
func (e *Encoder) Close(w io.Writer) error {
	if e.flush(); e.err != nil {
		return e.err
	}
	_, err := w.Write(e.sum.Sum(nil))
	return err
}

func (e *Encoder) flush() {
	if e.err == nil {
		_, e.err = e.w.Write(e.kept)
	}
	e.sum.Write(e.kept)
	e.kept = e.kept[:0]
}

func (e *Encoder) grown(b []byte) {
	if e.kept = b; len(b) >= e.limit {
		e.flush()
	}
}

func (e *Encoder) Uint(n uint64) { e.grown(binary.AppendUvarint(e.kept, n)) }
func (e *Encoder) Count(n int)   { e.Uint(uint64(n)) }
func (e *Encoder) Int(n int64)   { e.grown(binary.AppendVarint(e.kept, n)) }
func (e *Encoder) Bits(n uint64) { e.grown(binary.LittleEndian.AppendUint64(e.kept, n)) }
func (e *Encoder) Text(s string) {
	e.grown(append(binary.AppendUvarint(e.kept, uint64(len(s))), s...))
}

func (e *Encoder) Bool(b bool) {
	if b {
		e.Uint(1)
	} else {
		e.Uint(0)
	}
}

// Limits of what a checkpoint may hold, so that a broken one is told before
// it fills the memory.
const (
	maxText = 1 << 26
	maxList = 1 << 32
)

// Decoder reads; after an error everything is zero.
type Decoder struct {
	r    *bufio.Reader
	sum  hash.Hash
	read []byte // not summed yet
	at   int64
	Err  error
}

func NewDecoder(r io.Reader) *Decoder {
	return &Decoder{r: bufio.NewReaderSize(r, bufferFor(r)), sum: sha256.New()}
}

// Fail keeps the first error, with its place.
func (d *Decoder) Fail(why string) {
	if d.Err == nil {
		d.Err = fmt.Errorf("damaged at byte %d: %s", d.at, why)
	}
}

// ReadByte is for the varints of package binary.
func (d *Decoder) ReadByte() (byte, error) {
	if d.Err != nil {
		return 0, d.Err
	}
	b, err := d.r.ReadByte()
	if err != nil {
		d.Fail(readError(err))
		return 0, d.Err
	}
	d.at++
	if d.read = append(d.read, b); len(d.read) >= 1<<12 {
		d.addUp()
	}
	return b, nil
}

func (d *Decoder) addUp() {
	d.sum.Write(d.read)
	d.read = d.read[:0]
}

func readError(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it ends too soon"
	}
	return err.Error()
}

func (d *Decoder) Uint() uint64 {
	n, err := binary.ReadUvarint(d)
	if err != nil {
		d.Fail("a number is too long")
		return 0
	}
	return n
}

func (d *Decoder) Int() int64 {
	n, err := binary.ReadVarint(d)
	if err != nil {
		d.Fail("a number is too long")
		return 0
	}
	return n
}

// Below reads a number that is less than a limit.
func (d *Decoder) Below(limit int, what string) int {
	n := d.Uint()
	if d.Err == nil && n >= uint64(max(limit, 0)) {
		d.Fail(fmt.Sprintf("%s is %d, wanted less than %d", what, n, limit))
	}
	if d.Err != nil {
		return 0
	}
	return int(n)
}

// Count reads the length of a list. The list itself grows as it is read, so
// that a length alone takes no memory.
func (d *Decoder) Count() int { return d.Below(maxList, "a length") }

func (d *Decoder) Bool() bool { return d.Below(2, "a truth value") == 1 }

func (d *Decoder) fill(b []byte) {
	if d.Err != nil {
		return
	}
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.Fail(readError(err))
		clear(b)
		return
	}
	d.at += int64(len(b))
	d.addUp()
	d.sum.Write(b)
}

func (d *Decoder) Bits() uint64 {
	var b [8]byte
	d.fill(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (d *Decoder) Text() string {
	n := d.Below(maxText, "the length of a text")
	var all []byte
	for n > 0 && d.Err == nil {
		b := make([]byte, min(n, 1<<16))
		d.fill(b)
		all, n = append(all, b...), n-len(b)
	}
	return string(all)
}

// Close compares the sum.
func (d *Decoder) Close() error {
	d.addUp()
	want := d.sum.Sum(nil)
	got := make([]byte, len(want))
	if d.fill(got); d.Err == nil && !bytes.Equal(got, want) {
		d.Fail("its sum is another, wanted what Checkpoint has written")
	}
	if _, err := d.r.ReadByte(); d.Err == nil && !errors.Is(err, io.EOF) {
		d.Fail("something follows")
	}
	return d.Err
}
