package tidy

import (
	"fmt"
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
)

// nameless are the packages that name no service, no platform and no client
// library: neither in code nor in words. What they know of one they are told
// by package cloud, so a new one changes none of them.
var nameless = []string{"probe", "scheduler", "monitor", "monitor/internal/*", "sim", "sim/*"}

// names are those of services, platforms and client libraries. A space stands
// for whatever joins the words of a name: CloudRun, cloud-run, Cloud Run.
var names = []string{
	"redis", "valkey", "memorystore", "postgres", "spanner", "firestore", "bigquery",
	"gcs", "cloud storage", "pub sub", "pubsub", "eventarc", "cloud tasks", "cloudtasks", "cloud scheduler", "cron",
	"gcp", "google", "cloud run", "cloud functions?", "functions framework", "firebase",
	"aws", "amazon", "lambda", "s3", "sqs", "sns", "dynamo ?db", "kinesis", "event ?bridge", "step functions",
	"azure", "kafka", "nats", "jet ?stream", "grpc",
}

// library is what may be imported all the same: it is nobody's client.
const library = "github.com/google/uuid"

var (
	named = regexp.MustCompile(`(?i)\b(` + strings.ReplaceAll(strings.Join(names, "|"), " ", "[ /_-]") + `)\b`)
	hump  = regexp.MustCompile(`([a-z0-9])([A-Z])`)
)

// words checks that the nameless packages name nothing.
func words(t *tree) []finding {
	var out []finding
	for _, f := range t.files {
		if !f.test && matchAny(nameless, f.dir) {
			out = append(out, t.named(f)...)
		}
	}
	return sorted(out)
}

// named reports the identifiers, texts and comments of a file that hold a
// name, once a line.
func (t *tree) named(f *source) []finding {
	var out []finding
	file := t.fset.File(f.syntax.FileStart)
	var s scanner.Scanner
	s.Init(token.NewFileSet().AddFile(f.path, -1, len(f.text)), f.text, nil, scanner.ScanComments)
	for last := 0; ; {
		pos, kind, text := s.Scan()
		switch kind {
		case token.EOF:
			return out
		case token.IDENT, token.STRING, token.COMMENT:
		default:
			continue
		}
		text = strings.ReplaceAll(text, library, strings.Repeat("-", len(library)))
		for i, line := range strings.Split(text, "\n") {
			m := named.FindString(hump.ReplaceAllString(line, "$1 $2"))
			at := file.Line(token.Pos(file.Base()+int(pos)-1)) + i
			if m == "" || at == last {
				continue
			}
			last = at
			out = append(out, t.find(file.LineStart(at), fmt.Sprintf("%s names %s", f.dir, m), "no service, platform or client library",
				"let package cloud tell what it must know, or move the words to where that is declared"))
		}
	}
}
