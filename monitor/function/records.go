package function

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream"
)

// records are what Redis has of places. All keys have the same tag, so that a
// cluster keeps them together: one script writes several.
type records struct {
	redis  redis.Cmdable
	prefix string
}

// change is a place's record as it was and as it is to be.
type change struct {
	key, dueKey string
	before      string // the head that it was read with; empty if there was none
	own         own
	state       []byte // read, and then the new one; the place's stream
	due         time.Time
	counts      counts
	found       [][]byte // violation objects
	notices     []monitor.Finding
}

// own is what a record has beside the head and the state of the stream.
type own struct {
	Told      []string `json:"told,omitempty"`      // violations that an end has told, before their time was settled
	Undecided int      `json:"undecided,omitempty"` // by the last end
}

func (r *records) key(name string) string { return r.prefix + "/" + name }

// keyOf is the key of a place's record.
func (f *Function) keyOf(p monitor.Place) string {
	values := p.Values
	if p.Parts > 0 {
		values = fmt.Sprintf(shareForm, p.Part, p.Parts)
	}
	if len(values) > longestValues {
		sum := sha256.Sum256([]byte(values))
		values = "#" + hex.EncodeToString(sum[:16])
	}
	return f.records.key(f.parts[p.Property].era + "/" + values)
}

// shareForm is what a share's key has instead of values, which begin with a bracket.
const shareForm = "%dof%d"

// shareOf is which share a record is of: 0 of 0 if it is no share.
func (f *Function) shareOf(property, key string) (part, parts int) {
	if n, err := fmt.Sscanf(strings.TrimPrefix(key, f.records.key(f.parts[property].era+"/")), shareForm, &part, &parts); n < 2 || err != nil {
		return 0, 0
	}
	return part, parts
}

// longestValues is how long values are that a key has as they are.
const longestValues = 100

// dueKey is the key of a property's records, by up to when time has to pass for
// what waits there, in milliseconds; at infinity where nothing does.
func (f *Function) dueKey(property string) string {
	return f.records.key(f.parts[property].era + "/due")
}

// load reads records.
func (r *records) load(ctx context.Context, changes []change) error {
	if len(changes) == 0 {
		return nil
	}
	keys := make([]string, len(changes))
	for i := range changes {
		keys[i] = changes[i].key
	}
	all, err := r.redis.MGet(ctx, keys...).Result()
	if err != nil {
		return err
	}
	for i, value := range all {
		text, ok := value.(string)
		if !ok {
			continue // there is none
		}
		if err := changes[i].read(text); err != nil {
			return fmt.Errorf("the record %s: %w", keys[i], err)
		}
	}
	return nil
}

// read takes a record apart: two lines, and the state.
func (c *change) read(text string) error {
	head, rest, ok := strings.Cut(text, "\n")
	if !ok {
		return errors.New("it has no head, wanted one that a function has written")
	}
	c.before = head
	line, state, ok := strings.Cut(rest, "\n")
	if rest == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(line), &c.own); !ok || err != nil {
		return errors.New("its second line is not what a function of this version writes; tick with the other until nothing waits, and begin with another prefix")
	}
	c.state = []byte(state)
	return nil
}

// write puts a record together.
func (c *change) write(head string) (string, error) {
	line, err := json.Marshal(c.own)
	return head + "\n" + string(line) + "\n" + string(c.state), err
}

//go:embed commit.lua
var commitText string

var commitScript = redis.NewScript(commitText)

// commit writes records, and tells which: not those that another has written
// since they were read. The newest time is noted if all of them are.
func (r *records) commit(ctx context.Context, changes []change, newest, now time.Time) ([]bool, error) {
	if len(changes) == 0 && newest.IsZero() {
		return nil, nil
	}
	name, err := newName()
	if err != nil {
		return nil, err
	}
	keys := []string{r.key("verdicts"), r.key("time"), r.key("counts")}
	args := []any{millis(newest), millis(now)}
	for i := range changes {
		c := &changes[i]
		head := c.head(name)
		counts, err := json.Marshal(c.counts)
		record, wrong := c.write(head)
		if err = errors.Join(err, wrong); err != nil {
			return nil, err
		}
		keys = append(keys, c.key, c.dueKey)
		args = append(args, c.before, head, record, millis(c.due), counts, len(c.found))
		for _, object := range c.found {
			told := stream.Commit{Owner: head, Epoch: 1, Found: []json.RawMessage{object}}
			args = append(args, told.Encode())
		}
	}
	answers, err := commitScript.Run(ctx, r.redis, keys, args...).Int64Slice()
	if err == nil && len(answers) != len(changes) {
		err = fmt.Errorf("%d answers of the script, wanted %d", len(answers), len(changes))
	}
	if err != nil {
		return nil, err
	}
	written := make([]bool, len(changes))
	for i, n := range answers {
		written[i] = n == 1
	}
	return written, nil
}

// head is what no other record has: how often the place was written, and by whom.
func (c *change) head(name string) string {
	n := 0
	if number, _, ok := strings.Cut(c.before, "-"); ok {
		n, _ = strconv.Atoi(number)
	}
	return strconv.Itoa(n+1) + "-" + name
}

// newName is a name that nobody else has.
func newName() (string, error) {
	var b [10]byte
	_, err := io.ReadFull(rand.Reader, b[:])
	return hex.EncodeToString(b[:]), err
}

// millis is a time in milliseconds, no later than it and empty for none.
func millis(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
