package program

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Kind tells what a record says. Package net of a process has the same numbers.
type Kind byte

// The kinds.
const (
	Dial    Kind = 1  // the process wants connection ID; Data is network and address, with a zero byte between
	Dialled Kind = 2  // the answer: it has it, where Data is empty; else why not
	Listen  Kind = 3  // the process listens at port ID
	Accept  Kind = 4  // connection ID comes in at the port in Data
	Data    Kind = 5  // bytes on connection ID
	Close   Kind = 6  // connection ID ends; by a reset, if there is Data
	Signal  Kind = 7  // signal number ID
	End     Kind = 8  // the process ends, with exit code ID; Data is how, and a stack, with a zero byte between
	Lack    Kind = 9  // the process does what is not simulated, in words
	Panic   Kind = 10 // a handler has panicked, and its server has recovered
	Asks    Kind = 11 // the process has asked for signals
	By      Kind = 12 // on connection ID an answer is waited for until Data: Unix nanoseconds, 0 for ever
)

// Record is one thing that a process and the world tell each other.
type Record struct {
	Kind Kind
	ID   uint32
	// Work is for whom: of what a process tells, for whom the goroutine works; of
	// a connection that it accepts, for whom those will that serve it.
	Work uint32
	Data []byte
}

// header is the length of a record without its data.
const header = 13

func (r *Record) append(b []byte) []byte {
	b = append(b, byte(r.Kind))
	b = binary.LittleEndian.AppendUint32(b, r.ID)
	b = binary.LittleEndian.AppendUint32(b, r.Work)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(r.Data)))
	return append(b, r.Data...)
}

// message is what the world tells: the time, a seed (0 for none), records.
func message(b []byte, now int64, seed uint64, records []Record) []byte {
	b = append(b[:0], 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(now))
	b = binary.LittleEndian.AppendUint64(b, seed)
	for i := range records {
		b = records[i].append(b)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// readReply reads what a process tells: when its next timer is due (0 for
// never), records.
func readReply(from io.Reader) (next int64, records []Record, err error) {
	var size [4]byte
	if _, err := io.ReadFull(from, size[:]); err != nil {
		return 0, nil, err
	}
	b := make([]byte, binary.LittleEndian.Uint32(size[:]))
	if _, err := io.ReadFull(from, b); err != nil {
		return 0, nil, err
	}
	if len(b) < 8 {
		return 0, nil, fmt.Errorf("a message of %d bytes", len(b))
	}
	next = int64(binary.LittleEndian.Uint64(b))
	for b = b[8:]; len(b) > 0; {
		if len(b) < header || len(b)-header < int(binary.LittleEndian.Uint32(b[9:])) {
			return 0, nil, fmt.Errorf("a record of %d bytes", len(b))
		}
		end := header + int(binary.LittleEndian.Uint32(b[9:]))
		records = append(records, Record{Kind: Kind(b[0]), ID: binary.LittleEndian.Uint32(b[1:]), Work: binary.LittleEndian.Uint32(b[5:]), Data: b[header:end:end]})
		b = b[end:]
	}
	return next, records, nil
}
