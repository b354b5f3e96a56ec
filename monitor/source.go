package monitor

// sources numbers the sources.
type sources struct {
	numbers map[string]int32
	names   []string
}

func (t *sources) number(name string) int32 {
	n, ok := t.numbers[name]
	if !ok {
		if t.numbers == nil {
			t.numbers = make(map[string]int32)
		}
		n = int32(len(t.names))
		name = string([]byte(name))
		t.numbers[name] = n
		t.names = append(t.names, name)
	}
	return n
}

func (t *sources) name(n int32) string { return t.names[n] }
