package props_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wtsim/wtsim/props"
)

// end is the end of a run, as lines "service/key value".
type end []string

func (e end) Services() []string { return []string{"gcs", "redis"} }

func (e end) Keys(service string) (keys []string) {
	for _, l := range e {
		if rest, ok := strings.CutPrefix(l, service+"/"); ok {
			key, _, _ := strings.Cut(rest, " ")
			keys = append(keys, key)
		}
	}
	return keys
}

func (e end) Get(service, key string) (string, bool) {
	for _, l := range e {
		if v, ok := strings.CutPrefix(l, service+"/"+key+" "); ok {
			return v, true
		}
	}
	return "", false
}

// ended is a run together with the benign one.
type ended struct {
	end
	benign props.State
}

func (e ended) Benign() (props.State, error) {
	if e.benign == nil {
		return nil, props.ErrUndecided
	}
	return e.benign, nil
}

func (e ended) Calls() []props.Call { return nil }

// The first key that differs is told, with both values.
func TestAsIfOnce(t *testing.T) {
	benign := end{"gcs/a 1", "gcs/c 3", "redis/n 2"}
	differences := []props.Difference{props.Except("redis/seen:*"), props.Masked(`id-[0-9]+`)}
	p := props.AsIfOnce("as if once", differences...)
	for _, c := range []struct {
		name string
		run  end
		want string
	}{
		{"the same", benign, ""},
		{"another value", end{"gcs/a 1", "gcs/c 3", "redis/n 3"}, `redis holds "3" under "n", and "2" if everything happens once`},
		{"too little", end{"gcs/c 3", "redis/n 2"}, `gcs holds nothing under "a", and "1" if everything happens once`},
		{"too much", end{"gcs/a 1", "gcs/b 1", "gcs/c 3", "redis/n 2"}, `gcs holds "1" under "b", and nothing if everything happens once`},
		{"too much at the end", append(benign[:3:3], "redis/z 1"), `redis holds "1" under "z", and nothing if everything happens once`},
		{"excepted", append(benign[:3:3], "redis/seen:x 1"), ""},
		{"not excepted", append(benign[:3:3], "redis/unseen:x 1"), `redis holds "1" under "unseen:x", and nothing if everything happens once`},
	} {
		got := ""
		if err := p.Check()(ended{c.run, benign}); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	drawn, again := end{"gcs/id-1 x id-1", "gcs/id-7 y"}, end{"gcs/id-2 y", "gcs/id-3 x id-3"}
	if err := p.Check()(ended{again, drawn}); err != nil {
		t.Errorf("identifiers that are drawn: %v", err)
	}
	if err := p.Check()(ended{again[:1], drawn}); err == nil {
		t.Error("one of two whose keys are masked is missing")
	}
	if err := p.Check()(ended{benign, nil}); !errors.Is(err, props.ErrUndecided) {
		t.Errorf("without a benign end: %v", err)
	}
}

// What is wrong with a difference is told by Validate, and a file cannot say
// it.
func TestAsIfOnceMistakes(t *testing.T) {
	for want, p := range map[string]*props.Property{
		`property "p": except "seen:*": no slash, wanted a service and a key, such as "redis/seen:*"`: props.AsIfOnce("p", props.Except("seen:*")),
		"property \"p\": masked: error parsing regexp: missing closing ): `(`":                        props.AsIfOnce("p", props.Masked("(")),
	} {
		if err := p.Validate(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err := props.Parse("p.yaml", []byte("properties:\n  - name: p\n    as if once: [redis]\n"))
	if err == nil || !strings.Contains(err.Error(), `p.yaml:3`) || !strings.Contains(err.Error(), "a recording does not have") {
		t.Errorf("got %v", err)
	}
}
