package order

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"math/bits"
)

// Key is what a hash is kept secret with. Unlike a maphash.Seed it can be
// saved: hashes that were made under it are of use in another process.
type Key [4]uint64

// NewKey draws a key: from rand.Reader, which a simulation of what saves it can
// set, so that its checkpoints are the same in each of its runs.
func NewKey() (k Key) {
	var b [8 * len(k)]byte
	if _, err := io.ReadFull(rand.Reader, b[:]); err != nil {
		panic("order: no random numbers: " + err.Error())
	}
	for i := range k {
		k[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return k
}

// Sum returns 128 bits. Each half folds the 128-bit products of words of the
// text and words that nobody knows, as wyhash does; the halves share nothing.
func (k *Key) Sum(b []byte) (hash, more uint64) {
	n := uint64(len(b))
	hash, more = k[0]^n, k[1]^n
	for ; len(b) > 16; b = b[16:] {
		x, y := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		hash, more = fold(x^k[2], y^hash), fold(x^more, y^k[3])
	}
	var x, y uint64
	switch {
	case len(b) >= 8:
		x, y = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[len(b)-8:])
	case len(b) >= 4:
		x, y = uint64(binary.LittleEndian.Uint32(b)), uint64(binary.LittleEndian.Uint32(b[len(b)-4:]))
	case len(b) > 0:
		x, y = uint64(b[0])<<16|uint64(b[len(b)/2])<<8|uint64(b[len(b)-1]), 0
	}
	hash, more = fold(x^k[2], y^hash), fold(x^more, y^k[3])
	return fold(hash^k[1], n^k[3]), fold(more^k[0], n^k[2])
}

func fold(x, y uint64) uint64 {
	high, low := bits.Mul64(x, y)
	return high ^ low
}
