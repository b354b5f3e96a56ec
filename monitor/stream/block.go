package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
)

// A block, byte by byte: the format; the sum of all that follows; who made it
// and its number there; when, by that gateway's clock; entries to the end. Texts
// stand after their length, numbers are variable in length.
const blockFormat = 1

// entryKind tells entries apart.
type entryKind byte

const (
	entryEvent       entryKind = iota + 1 // an event, in JSON
	entryGuest                            // an event whose home is another shard
	entryPassed                           // an event of another shard: its source, sequence and time
	entryTick                             // time has passed, up to a time
	entryMalformed                        // a line and why it is no event
	entryClose                            // what waits is to be settled
	entryEnd                              // and nothing more comes
	entryBegin                            // the first of a log: whose it is
	entryPlan                             // the properties change
	entryPassedLossy                      // as entryPassed, of a source that may lose events
	entryPlanPast                         // as entryPlan; what is new begins in the past
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// BlockSize is how many bytes of entries a gateway puts into one block: more
// make no log faster, and are longer under way.
const BlockSize = 64 << 10

// Block is a block that is being filled.
type Block struct {
	entries []byte
	n       int
}

// Len is how many bytes of entries it has.
func (b *Block) Len() int { return len(b.entries) }

// Entries is how many entries it has.
func (b *Block) Entries() int { return b.n }

// Add appends the entries of another block.
func (b *Block) Add(more *Block) {
	b.entries, b.n = append(b.entries, more.entries...), b.n+more.n
}

func (b *Block) begin(k entryKind) { b.entries, b.n = append(b.entries, byte(k)), b.n+1 }

func (b *Block) text(s string) {
	b.entries = append(binary.AppendUvarint(b.entries, uint64(len(s))), s...)
}

func (b *Block) time(t time.Time) {
	b.entries = binary.AppendVarint(b.entries, t.Unix())
	b.entries = binary.AppendUvarint(b.entries, uint64(t.Nanosecond()))
}

func (b *Block) event(k entryKind, line string) {
	b.begin(k)
	b.text(line)
}

func (b *Block) passed(e *event.Event, line []byte) {
	if e.Lossy {
		b.begin(entryPassedLossy)
	} else {
		b.begin(entryPassed)
	}
	b.text(e.Source)
	b.text(e.ID)
	b.text(e.Sequence)
	b.time(e.Time)
	sum := digestOf(line)
	b.text(string(sum[:]))
}

// Tick says that time has passed, up to a time.
func (b *Block) Tick(t time.Time) {
	b.begin(entryTick)
	b.time(t)
}

// Malformed says why a line is no event.
func (b *Block) Malformed(line int, why string) {
	b.begin(entryMalformed)
	b.entries = binary.AppendUvarint(b.entries, uint64(max(line, 0)))
	b.text(why)
}

// Close says that what waits is to be settled, as at the end of a file; end,
// that nothing more comes.
func (b *Block) Close(end bool) {
	if end {
		b.begin(entryEnd)
	} else {
		b.begin(entryClose)
	}
}

// Begin names the deployment that a log is of: its first entry.
func (b *Block) Begin(deployment string) {
	b.begin(entryBegin)
	b.text(deployment)
}

// Span is blocks of a log in a row, the first and the last; without any it is zero.
type Span struct{ From, To uint64 }

// Plan says that other properties hold from here on: a text that
// [Config.Compile] reads. Those that are new begin with the blocks of the past,
// which stand here by shard; without, they begin here.
func (b *Block) Plan(text string, past []Span) {
	if past == nil {
		b.begin(entryPlan)
		b.text(text)
		return
	}
	b.begin(entryPlanPast)
	b.text(text)
	b.entries = binary.AppendUvarint(b.entries, uint64(len(past)))
	for _, s := range past {
		b.entries = binary.AppendUvarint(binary.AppendUvarint(b.entries, s.From), s.To)
	}
}

// Seal returns the block as a log holds it.
func (b *Block) Seal(gateway string, number uint64, at time.Time) []byte {
	out := make([]byte, 5, 5+len(gateway)+40+len(b.entries))
	out[0] = blockFormat
	head := Block{entries: out}
	head.text(gateway)
	out = binary.AppendUvarint(head.entries, number)
	out = binary.AppendVarint(out, at.UnixNano())
	out = append(out, b.entries...)
	binary.BigEndian.PutUint32(out[1:], crc32.Checksum(out[5:], castagnoli))
	return out
}

// Opened is a block as it is read.
type Opened struct {
	Gateway string
	Number  uint64
	At      time.Time // by the gateway's clock
	Sum     uint32
	entries string
}

// Entry is one entry of a block: an input of the engine, or what a worker does
// itself.
type Entry struct {
	Input      monitor.Input
	Close, End bool
	Begin      string // the deployment
	Plan       string // the properties
	Past       []Span // what those that are new begin with, by shard; nil is nothing

	line string // of an event, as the block has it
	sum  digest // of an event of another shard
}

// digest tells events apart, in whatever shard they are.
type digest [12]byte

func digestOf[T string | []byte](line T) digest {
	all := sha256.Sum256([]byte(line))
	return digest(all[:])
}

// Open reads a block's head, and checks its sum.
func Open(data []byte) (*Opened, error) {
	if len(data) < 5 || data[0] != blockFormat {
		return nil, fmt.Errorf("not a block of format %d", blockFormat)
	}
	b := &Opened{Sum: binary.BigEndian.Uint32(data[1:])}
	if crc32.Checksum(data[5:], castagnoli) != b.Sum {
		return nil, errors.New("its sum is not that of what it holds")
	}
	r := blockReader{s: string(data[5:])}
	b.Gateway, b.Number, b.At = r.text(), r.count(), time.Unix(0, r.int()).UTC()
	b.entries = r.s
	return b, r.err
}

// Each visits the entries. What an entry holds is a part of the block.
func (b *Opened) Each(visit func(*Entry) error) error {
	r := blockReader{s: b.entries}
	var x Entry
	for r.s != "" {
		data := x.Input.Event.Data
		x = Entry{}
		x.Input.Event.Data = data[:0]
		if r.entry(&x); r.err != nil {
			return r.err
		}
		if err := visit(&x); err != nil {
			return err
		}
	}
	return nil
}

// blockReader keeps the first thing that is wrong.
type blockReader struct {
	s   string
	err error
}

var errShort = errors.New("the block ends within an entry")

func (r *blockReader) fail(err error) {
	if r.err == nil {
		r.s, r.err = "", err
	}
}

func (r *blockReader) entry(x *Entry) {
	k := entryKind(r.s[0])
	r.s = r.s[1:]
	in := &x.Input
	switch k {
	case entryEvent, entryGuest:
		in.Guest, x.line = k == entryGuest, r.text()
		if err := event.DecodeInto(&in.Event, x.line); err != nil && r.err == nil {
			r.fail(err)
		}
	case entryPassed, entryPassedLossy:
		// No property has events of no type, so that it has a place in its
		// source, and a second one is known for what it is, and that is all.
		e := &in.Event
		e.Source, e.ID, e.Sequence, e.Time = r.text(), r.text(), r.text(), r.time()
		if copy(x.sum[:], r.text()) < len(x.sum) {
			r.fail(errShort)
		}
		in.Guest, e.Lossy = true, k == entryPassedLossy
	case entryTick:
		in.Tick, in.Event.Time = true, r.time()
	case entryMalformed:
		in.Line, in.Why = int(r.count()), r.text()
		if in.Why == "" {
			r.fail(errors.New("malformed without a reason"))
		}
	case entryClose, entryEnd:
		x.Close, x.End = true, k == entryEnd
	case entryBegin:
		if x.Begin = r.text(); x.Begin == "" {
			r.fail(errors.New("the beginning of nobody's log"))
		}
	case entryPlan, entryPlanPast:
		if x.Plan = r.text(); x.Plan == "" {
			r.fail(errors.New("a plan without properties"))
		}
		if k == entryPlanPast {
			x.Past = r.spans()
		}
	default:
		r.fail(fmt.Errorf("an entry of unknown kind %d", k))
	}
}

func (r *blockReader) count() uint64 {
	head := r.s[:min(len(r.s), binary.MaxVarintLen64)]
	n, size := binary.Uvarint([]byte(head))
	if size <= 0 {
		r.fail(errShort)
		return 0
	}
	r.s = r.s[size:]
	return n
}

func (r *blockReader) spans() []Span {
	n := r.count()
	if n > uint64(len(r.s)) {
		r.fail(errShort)
		return nil
	}
	all := make([]Span, n)
	for i := range all {
		all[i] = Span{r.count(), r.count()}
	}
	return all
}

func (r *blockReader) int() int64 {
	u := r.count()
	n := int64(u >> 1)
	if u&1 != 0 {
		n = ^n
	}
	return n
}

func (r *blockReader) text() string {
	n := r.count()
	if n > uint64(len(r.s)) {
		r.fail(errShort)
		return ""
	}
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *blockReader) time() time.Time {
	sec, nsec := r.int(), r.count()
	if nsec >= uint64(time.Second) {
		r.fail(errors.New("a time has no such second"))
		return time.Time{}
	}
	return time.Unix(sec, int64(nsec)).UTC()
}

// short is a reason as it is kept: for people, on one line.
func short(why string) string {
	const most = 300
	why = strings.ToValidUTF8(why, "?")
	if r := []rune(why); len(r) > most {
		why = string(r[:most]) + "..."
	}
	return why
}
