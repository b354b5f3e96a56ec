package config

import (
	"fmt"
	"os"
	"strconv"

	"github.com/wtsim/wtsim/sim"
)

// input is a choice that a search makes anew for each schedule.
type input struct {
	From int      `yaml:"from" doc:"a number from here"`
	To   *int     `yaml:"to" doc:"to here"`
	Of   []string `yaml:"of" doc:"or one of these texts; the first is the simplest"`
}

func (x *input) check() error {
	switch {
	case (x.To == nil) == (len(x.Of) == 0):
		return fmt.Errorf("wanted \"from\" and \"to\", or \"of\"")
	case x.To != nil && *x.To < x.From:
		return fmt.Errorf("from %d to %d, wanted at least one number", x.From, *x.To)
	}
	return nil
}

func (x *input) draw(name string, in *sim.Inputs) string {
	if x.To != nil {
		return strconv.Itoa(in.Int(name, x.From, *x.To))
	}
	return in.Pick(name, x.Of...)
}

// generate makes the clients of each schedule from its inputs: ${name} in their
// requests stands for what was drawn.
func (f *file) generate() func(*sim.Inputs, *sim.Scenario) {
	if len(f.Inputs) == 0 {
		return nil
	}
	return func(in *sim.Inputs, s *sim.Scenario) {
		drawn := map[string]string{}
		for _, x := range f.Inputs {
			drawn[x.name] = x.value.draw(x.name, in)
		}
		s.Clients = nil
		for _, x := range f.Clients {
			c, err := x.value.client(x.name, f, drawn)
			if err != nil {
				panic(err) // it was made before, with others
			}
			s.Clients = append(s.Clients, c)
		}
	}
}

// simplest are the inputs that a file is checked with.
func (f *file) simplest() map[string]string {
	drawn := map[string]string{}
	for _, x := range f.Inputs {
		if drawn[x.name] = strconv.Itoa(x.value.From); len(x.value.Of) > 0 {
			drawn[x.name] = x.value.Of[0]
		}
	}
	return drawn
}

// filled is a request with the inputs that it names.
func (r request) filled(drawn map[string]string) (request, error) {
	var err error
	fill := func(text string) string {
		if len(drawn) == 0 {
			return text
		}
		return os.Expand(text, func(name string) string {
			v, ok := drawn[name]
			if !ok {
				err = fmt.Errorf("${%s} is no input, wanted one of those under \"inputs\"", name)
			}
			return v
		})
	}
	r.Path, r.Body = fill(r.Path), fill(r.Body)
	header := map[string]string{}
	for name, value := range r.Header {
		header[name] = fill(value)
	}
	r.Header = header
	return r, err
}

// times is how often a request is made.
func (r *request) times(drawn map[string]string) (int, error) {
	if r.Times == "" {
		return 1, nil
	}
	text := r.Times
	if v, ok := drawn[text]; ok {
		text = v
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("times is %q, wanted a number, or an input that is one", r.Times)
	}
	return n, nil
}
