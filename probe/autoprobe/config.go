package autoprobe

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/probe"
	"github.com/wtsim/wtsim/probe/awsprobe"
	"github.com/wtsim/wtsim/probe/recording"
	"github.com/wtsim/wtsim/probe/recording/bucket"
	"github.com/wtsim/wtsim/probe/sink"
)

// read makes a recorder of the environment; nil if that asks for none.
func read(env func(string) string, rules string) (*Auto, error) {
	to, keep := env("WTSIM_RECORD"), env("WTSIM_KEEP")
	if to == "" && keep == "" {
		return nil, nil
	}
	a := &Auto{runtime: env("AWS_LAMBDA_RUNTIME_API")}
	var err error
	if a.keys, err = keysOf(env("WTSIM_KEYS")); err != nil {
		return nil, err
	}
	if a.services, err = servicesOf(env("WTSIM_SERVICES")); err != nil {
		return nil, err
	}
	compiled, _ := probe.CompileRules(nil)                    // of no rule none is wrong
	var out probe.Sink = probe.SinkFunc(func(event.Event) {}) // what the application emits may have nowhere to go
	if to != "" {
		if compiled, err = rulesOf(env("WTSIM_RULES"), rules); err != nil {
			return nil, err
		}
		if out, err = a.sink("WTSIM_RECORD", to, env("WTSIM_TOKEN")); err != nil {
			return nil, err
		}
		if out, err = redacted(out, env("WTSIM_REDACT"), env("WTSIM_REDACT_KEY")); err != nil {
			return nil, err
		}
	}
	a.Recorder = probe.NewRecorder(functionOf(env), rand.Text(), compiled, out)
	if keep != "" {
		kept, err := a.kept(keep, env)
		if err != nil {
			return nil, err
		}
		if kept, err = redacted(kept, env("WTSIM_REDACT"), env("WTSIM_REDACT_KEY")); err != nil {
			return nil, err
		}
		a.Keep(kept)
	}
	return a, nil
}

// kept is where recordings go: a directory or a bucket has a file an invocation.
func (a *Auto) kept(keep string, env func(string) string) (probe.Sink, error) {
	scheme, _, _ := strings.Cut(keep, "://")
	at, _ := os.Stat(keep)
	var files *recording.Files
	var err error
	switch {
	case scheme == "gs", scheme == "s3":
		var store recording.Store
		if store, err = bucket.New(keep, env, &http.Client{Transport: unseen{http.DefaultTransport}}); err == nil {
			files = recording.NewFiles(store, recording.Limits{})
		}
	case scheme != keep && scheme != "http" && scheme != "https":
		err = fmt.Errorf("recordings go to %q, wanted a file, a directory (DIR/), gs://BUCKET/PREFIX or s3://BUCKET/PREFIX; other stores are not supported", keep)
	case strings.HasSuffix(keep, "/"), at != nil && at.IsDir():
		files, err = recording.NewDirectory(keep, recording.Limits{})
	default:
		return a.sink("WTSIM_KEEP", keep, "")
	}
	if err != nil {
		return nil, fmt.Errorf("WTSIM_KEEP: %w", err)
	}
	a.close = append(a.close, files.Flush)
	return files, nil
}

// rulesOf reads the rules of a file, or those of the build.
func rulesOf(file, built string) (*probe.Rules, error) {
	name, text := "the rules of the build", []byte(built)
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return nil, fmt.Errorf("WTSIM_RULES: %w", err)
		}
		name = file
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, errors.New("there are no rules, wanted a file of them in WTSIM_RULES, or --rules of wtsim build")
	}
	var f struct {
		Rules []probe.Rule `json:"rules"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("%s: %w; wanted JSON, {\"rules\": [{\"service\": ..., \"emit\": ...}]} (YAML is for wtsim build --rules)", name, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: more than one JSON value, wanted one", name)
	}
	if len(f.Rules) == 0 {
		return nil, fmt.Errorf("%s: no rules, wanted a list under \"rules\"", name)
	}
	compiled, err := probe.CompileRules(f.Rules)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return compiled, err
}

func servicesOf(list string) (map[string]string, error) {
	services := map[string]string{}
	for pair := range strings.SplitSeq(list, ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		address, name, ok := strings.Cut(pair, "=")
		if !ok || address == "" || name == "" {
			return nil, fmt.Errorf("WTSIM_SERVICES: %q, wanted ADDRESS=NAME", pair)
		}
		services[address] = name
	}
	return services, nil
}

// keysOf reads keys of tables.
func keysOf(list string) (awsprobe.Tables, error) {
	tables := awsprobe.Tables{}
	for pair := range strings.SplitSeq(list, ",") {
		table, keys, ok := strings.Cut(strings.TrimSpace(pair), "=")
		names := strings.Split(keys, "+")
		switch {
		case table == "" && !ok:
		case !ok, table == "", len(names) > 2, slices.Contains(names, ""):
			return nil, fmt.Errorf("WTSIM_KEYS: %q, wanted TABLE=PARTITION or TABLE=PARTITION+SORT, with commas between", pair)
		default:
			tables[table] = names
		}
	}
	return tables, nil
}

// functionOf is the function's name.
func functionOf(env func(string) string) string {
	for _, name := range []string{"WTSIM_FUNCTION", "K_SERVICE", "AWS_LAMBDA_FUNCTION_NAME", "CLOUD_RUN_JOB"} {
		if value := env(name); value != "" {
			return value
		}
	}
	return filepath.Base(os.Args[0])
}

// sink is what a variable names.
func (a *Auto) sink(variable, to, token string) (probe.Sink, error) {
	s, err := open(to, token)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	a.close = append(a.close, s.Close)
	return s, nil
}

func open(to, token string) (*sink.Sink, error) {
	switch {
	case to == "-":
		return sink.Lines(os.Stdout, sink.Options{}), nil
	case strings.Contains(to, "://"):
		client := &http.Client{Timeout: 5 * time.Second, Transport: unseen{http.DefaultTransport}}
		return sink.HTTP(sink.Monitor{URL: to, Token: token, Client: client}, sink.Options{})
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return sink.Lines(f, sink.Options{}), nil
}

func redacted(out probe.Sink, params, key string) (probe.Sink, error) {
	switch {
	case params == "" && key == "":
		return out, nil
	case params == "":
		return nil, errors.New("WTSIM_REDACT_KEY without WTSIM_REDACT, wanted the parameters that are redacted, or *")
	}
	var names []string
	if params != "*" {
		names = strings.Split(params, ",")
	}
	out, err := sink.Redacted(out, []byte(key), names...)
	if err != nil {
		err = fmt.Errorf("WTSIM_REDACT_KEY: %w", err)
	}
	return out, err
}
