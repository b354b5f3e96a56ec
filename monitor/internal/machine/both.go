package machine

// An event that is several letters to an instance, one in each of its roles, is
// one letter too: what they do in a row.

// Both returns the letter of two in a row.
func (s *Machine) Both(first, second uint32) uint32 {
	key := [2]uint32{first, second}
	if n, ok := s.both[key]; ok {
		return n
	}
	n := uint32(len(s.Fates))
	s.Fates = append(s.Fates, s.Fates[first])
	if s.Configs != nil {
		s.Configs.Reads = append(s.Configs.Reads, reading{})
	} else {
		for state := range s.width {
			s.Table = append(s.Table, uint16(s.Next(second, s.Next(first, state, nil), nil)))
		}
	}
	if s.both == nil {
		s.both, s.parts = map[[2]uint32]uint32{}, map[uint32][2]uint32{}
	}
	s.both[key], s.parts[n] = n, key
	return n
}

// Parts returns the letters that a letter is in a row, if it is.
func (s *Machine) Parts(letter uint32) (first, second uint32, both bool) {
	if s.parts == nil {
		return 0, 0, false
	}
	key, both := s.parts[letter]
	return key[0], key[1], both
}

// Arming tells whether a letter may begin a deadline, or be in a window.
func (c *Configs) Arming(letter uint32) bool {
	if first, second, both := c.Store.Parts(letter); both {
		return c.Arming(first) || c.Arming(second)
	}
	return c.Arms[c.Store.Fates[letter].Letter]
}

// keepParts keeps the parts of letters that are kept.
func (s *Machine) keepParts(live []bool) {
	for n := len(live) - 1; n >= 0; n-- {
		if first, second, both := s.Parts(uint32(n)); both && live[n] {
			live[first], live[second] = true, true
		}
	}
}

// moveParts gives letters their new numbers.
func (s *Machine) moveParts(live []bool, moved []uint32) {
	old := s.parts
	if old == nil {
		return
	}
	s.both, s.parts = map[[2]uint32]uint32{}, map[uint32][2]uint32{}
	for n := range live {
		if key, both := old[uint32(n)]; both && live[n] {
			key = [2]uint32{moved[key[0]], moved[key[1]]}
			s.both[key], s.parts[moved[n]] = moved[n], key
		}
	}
}
