package stream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
)

// state is what a worker knows after a block.
type state struct {
	plan      Plan
	eras      []running // of the plan; never none
	pasts     []past    // see past.go
	plans     []string  // the records that have changed the first plan
	strays    []string  // gateways that an alarm has told of
	base      Totals    // of engines that have ended
	offset    uint64
	verdicts  uint64          // found up to here
	told      map[ID]bool     // found early: not to be told again
	gateways  []gatewayNumber // the newest blocks of each, the latest last
	sources   sources
	lost      int               // blocks
	undecided int               // as the last close has counted them
	links     [sha256.Size]byte // see chain
	inputs    []monitor.Input   // working memory
}

// gatewayNumber is the number of a gateway's last block.
type gatewayNumber struct {
	Gateway string
	Number  uint64
}

// maxGateways bounds those that are remembered.
const maxGateways = 256

// first tells whether a block comes for the first time.
func (s *state) first(b *Opened) bool {
	i := slices.IndexFunc(s.gateways, func(g gatewayNumber) bool { return g.Gateway == b.Gateway })
	if i >= 0 {
		if b.Number <= s.gateways[i].Number {
			return false
		}
		s.gateways = slices.Delete(s.gateways, i, i+1)
	}
	if len(s.gateways) >= maxGateways {
		s.gateways = slices.Delete(s.gateways, 0, 1)
	}
	s.gateways = append(s.gateways, gatewayNumber{b.Gateway, b.Number})
	return true
}

// chain takes a block into the chain of hashes: of all blocks and how many
// violations they came to.
func (s *state) chain(sum uint32) {
	var b [sha256.Size + 12]byte
	copy(b[:], s.links[:])
	binary.BigEndian.PutUint32(b[sha256.Size:], sum)
	binary.BigEndian.PutUint64(b[sha256.Size+4:], s.verdicts)
	s.links = sha256.Sum256(b[:])
}

func (s *state) chained() string { return hex.EncodeToString(s.links[:16]) }

func (s *state) totals() Totals {
	t := s.counted()
	t.Undecided = max(t.Undecided, s.undecided) // what a close has told is found again when its time is settled
	t.Add(s.base)
	t.Violations, t.Missing, t.Lost = int(s.verdicts), s.sources.missing, s.lost
	for _, e := range s.eras {
		for _, p := range e.stream.Stats() {
			t.Instances += p.Instances
		}
	}
	return t
}

// bytesOf copies parameters, whose memory is the next entry's.
func bytesOf(d event.Data) event.Data {
	if len(d) == 0 {
		return nil
	}
	return slices.Clone(d)
}

// savedState is a state's own part; the engine's follows.
type savedState struct {
	Offset, Verdicts uint64
	Told             []string
	Gateways         []gatewayNumber
	Sources          sources
	Lost, Undecided  int
	Chain            string
	Plans            []string `json:",omitempty"`
	Pasts            []past   `json:",omitempty"`
	Base             Totals
}

// snapshot takes the state down. What it returns makes bytes of it, about as many as
// the last time: the length of its own part, that part, and the engines'. That may
// happen beside the worker.
func (s *state) snapshot() (encode func(size int) []byte) {
	own := savedState{Offset: s.offset, Verdicts: s.verdicts, Gateways: s.gateways, Sources: s.sources,
		Lost: s.lost, Undecided: s.undecided, Chain: hex.EncodeToString(s.links[:]), Plans: s.plans, Pasts: s.pasts, Base: s.base}
	for _, id := range slices.SortedFunc(maps.Keys(s.told), func(a, b ID) int { return bytes.Compare(a[:], b[:]) }) {
		own.Told = append(own.Told, id.String())
	}
	head, err := json.Marshal(own)
	if err != nil {
		panic("stream: a state is made of texts and numbers: " + err.Error())
	}
	engines := s.takeDown()
	return func(size int) []byte {
		return engines(append(binary.AppendUvarint(nil, uint64(len(head))), head...), size)
	}
}

// restore takes up the newest state that can be read, or begins.
func (w *Worker) restore(ctx context.Context) error {
	for _, ref := range w.commit.States {
		err := w.load(ctx, ref)
		if err == nil || !errors.Is(err, errState) {
			return err
		}
		w.alarm(fmt.Sprintf("the state after block %d: %v", ref.Offset, err))
	}
	plan := FirstPlan(w.Program)
	eras, err := engines(plan, w.Options)
	w.state = state{plan: plan, eras: eras, told: map[ID]bool{}}
	return err
}

// stateName is the name of a state that no other worker saves.
func (w *Worker) stateName() string {
	return fmt.Sprintf("s%d-%d-%d-%s", w.Shard, w.commit.Epoch, w.offset, w.Owner)
}

// sweep deletes the states that earlier owners have saved and not committed:
// they cannot any more. What a later owner saves is of a later epoch.
func (w *Worker) sweep(ctx context.Context) error {
	names, err := w.States.List(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		var shard int
		var epoch uint64
		n, _ := fmt.Sscanf(name, "s%d-%d-", &shard, &epoch)
		if n < 2 || shard != w.Shard || epoch >= w.commit.Epoch || slices.ContainsFunc(w.commit.States, func(s StateRef) bool { return s.Name == name }) {
			continue
		}
		if err := w.States.Delete(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// errState says that a state is not what it should be.
var errState = errors.New("it cannot be used")

func (w *Worker) load(ctx context.Context, ref StateRef) error {
	r, err := w.States.Get(ctx, ref.Name)
	if errors.Is(err, ErrNoState) {
		return fmt.Errorf("%w: %w", errState, err)
	}
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != ref.Sum {
		return fmt.Errorf("%w: its sum is not that in the commit", errState)
	}
	s, err := w.decode(data)
	if err != nil {
		return fmt.Errorf("shard %d: the state after block %d: %w", w.Shard, ref.Offset, err)
	}
	w.state = *s
	return nil
}

func (c *Config) decode(data []byte) (*state, error) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return nil, errors.New("it ends within its first part")
	}
	var own savedState
	if err := json.Unmarshal(data[size:size+int(n)], &own); err != nil {
		return nil, err
	}
	s := &state{offset: own.Offset, verdicts: own.Verdicts, told: map[ID]bool{}, gateways: own.Gateways, sources: own.Sources,
		lost: own.Lost, undecided: own.Undecided, plans: own.Plans, pasts: own.Pasts, base: own.Base}
	if _, err := hex.Decode(s.links[:], []byte(own.Chain)); err != nil || len(own.Chain) != 2*len(s.links) {
		return nil, errors.New("its chain is broken")
	}
	for _, text := range own.Told {
		id, err := ParseID(text)
		if err != nil {
			return nil, err
		}
		s.told[id] = true
	}
	s.sources.restored()
	s.plan = FirstPlan(c.Program)
	for _, text := range own.Plans {
		p, err := c.compile(text)
		if err != nil {
			return nil, err
		}
		s.plan = s.plan.Next(p)
	}
	var err error
	s.eras, err = decodeEras(data[size+int(n):], s.plan, c.Options)
	return s, err
}
