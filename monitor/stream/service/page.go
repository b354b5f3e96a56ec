package service

import (
	"context"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/wtsim/wtsim/monitor/stream"
)

//go:embed page.html
var pageFiles embed.FS

// page escapes all that comes from events by where it stands.
var pageTemplate = template.Must(template.ParseFS(pageFiles, "page.html"))

// pageOf is how many violations one page shows.
const pageOf = 50

// shownSources is how many sources a page shows: those that are furthest behind.
const shownSources = 30

type pageData struct {
	Status
	Shown      []shownViolation
	Properties []shownProperty
	Sources    []shownSource
	AllSources int
	Older      int // the page behind this one; 0 is none
	Newer      bool
}

type shownViolation struct {
	ID        string
	Property  string
	Binding   json.RawMessage
	Certainty string
	Source    string
	Event     string
	Time      time.Time
	Witness   []shownStep
	Counter   []shownStep
}

// Bound is the binding for people.
func (v shownViolation) Bound() string { return string(v.Binding) }

type shownStep struct{ Source, ID, Type, To string }

type propertyCount struct {
	Name       string
	Violations int
}

type shownSource struct {
	stream.Source
	Lag time.Duration // behind the newest of all
}

func (s *Service) page(w http.ResponseWriter, r *http.Request) {
	d := pageData{Status: s.now(), Properties: s.shownProperties()}
	to := s.verdicts.len()
	if before, err := strconv.Atoi(r.URL.Query().Get("before")); err == nil && before >= 0 && before < to {
		to, d.Newer = before, true
	}
	from := max(to-pageOf, 0)
	d.Older = from
	if err := s.newest(r.Context(), &d, from, to); err != nil {
		refuse(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	if all := s.sources.Load(); all != nil {
		d.AllSources = len(*all)
		var newest time.Time
		for _, x := range *all {
			if newest.Before(x.Newest) {
				newest = x.Newest
			}
		}
		for _, x := range (*all)[:min(len(*all), shownSources)] {
			d.Sources = append(d.Sources, shownSource{x, newest.Sub(x.Newest)})
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
	w.Header().Set("Referrer-Policy", "no-referrer")
	_ = pageTemplate.Execute(w, d) // who does not read does not want it
}

// newest reads violations, the newest first.
func (s *Service) newest(ctx context.Context, d *pageData, from, to int) error {
	_, err := s.verdicts.each(ctx, from, func(_ stream.ID, object []byte) error {
		if len(d.Shown) == to-from {
			return errEnough
		}
		var v shownViolation
		if err := json.Unmarshal(object, &v); err != nil {
			return err
		}
		d.Shown = append(d.Shown, v)
		return nil
	})
	if err == errEnough { //nolint:errorlint // it is ours
		err = nil
	}
	for i, j := 0, len(d.Shown)-1; i < j; i, j = i+1, j-1 {
		d.Shown[i], d.Shown[j] = d.Shown[j], d.Shown[i]
	}
	return err
}
