package config

import (
	"fmt"
	"time"

	"github.com/goccy/go-yaml"
)

// duration is one as Go writes it: 1m30s.
type duration time.Duration

// UnmarshalYAML reads it.
func (d *duration) UnmarshalYAML(text []byte) error {
	var s string
	if err := yaml.Unmarshal(text, &s); err != nil {
		return err
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is no duration, wanted one such as 90s or 1m30s", s)
	}
	*d = duration(v)
	return nil
}

// ordered is a mapping whose order counts.
type ordered[T any] []named[T]

type named[T any] struct {
	name  string
	value T
}

// UnmarshalYAML reads it.
func (o *ordered[T]) UnmarshalYAML(text []byte) error {
	var keys yaml.MapSlice
	if err := yaml.Unmarshal(text, &keys); err != nil {
		return err
	}
	var values map[string]T
	if err := yaml.UnmarshalWithOptions(text, &values, yaml.Strict()); err != nil {
		return err
	}
	for _, k := range keys {
		name := fmt.Sprint(k.Key)
		*o = append(*o, named[T]{name, values[name]})
	}
	return nil
}
