package order

// Sources numbers the sources.
type Sources struct {
	numbers map[string]int32
	Names   []string
}

func (t *Sources) Number(name string) int32 {
	n, ok := t.numbers[name]
	if !ok {
		if t.numbers == nil {
			t.numbers = make(map[string]int32)
		}
		n = int32(len(t.Names))
		name = string([]byte(name))
		t.numbers[name] = n
		t.Names = append(t.Names, name)
	}
	return n
}

func (t *Sources) Name(n int32) string { return t.Names[n] }
