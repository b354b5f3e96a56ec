package fakestest_test

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"github.com/wtsim/wtsim/fakes/fakestest"
	"github.com/wtsim/wtsim/fakes/gcs"
)

// mutant is a Cloud Storage that is broken on purpose.
type mutant struct {
	base   http.RoundTripper
	ask    func(*http.Request)                        // changes requests; may be nil
	answer func(r *http.Request, b []byte) []byte     // changes bodies; may be nil
	status func(r *http.Request, resp *http.Response) // changes the rest; may be nil
}

func (m mutant) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if m.ask != nil {
		m.ask(r)
	}
	resp, err := m.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if m.answer != nil {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		body = m.answer(r, body)
		resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		resp.Header.Del("Content-Length")
	}
	if m.status != nil {
		m.status(r, resp)
	}
	return resp, nil
}

// without drops query parameters.
func without(names ...string) func(*http.Request) {
	return func(r *http.Request) {
		q := r.URL.Query()
		for _, name := range names {
			q.Del(name)
		}
		r.URL.RawQuery = q.Encode()
	}
}

// only limits a change to requests whose method and path contain texts.
func only(method, path string, change func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		if strings.Contains(r.Method, method) && strings.Contains(r.URL.Path, path) {
			change(r)
		}
	}
}

func inBody(pattern, with string) func(*http.Request, []byte) []byte {
	re := regexp.MustCompile(pattern)
	return func(_ *http.Request, b []byte) []byte { return re.ReplaceAll(b, []byte(with)) }
}

func headerless(names ...string) func(*http.Request) {
	return func(r *http.Request) {
		for _, name := range names {
			r.Header.Del(name)
		}
	}
}

// inRequest changes bodies of requests.
func inRequest(pattern, with string) func(*http.Request) {
	re := regexp.MustCompile(pattern)
	return func(r *http.Request) {
		if r.Body == nil {
			return
		}
		b, _ := io.ReadAll(r.Body)
		b = re.ReplaceAll(b, []byte(with))
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	}
}

var generation, metageneration = []string{"ifGenerationMatch", "ifGenerationNotMatch"}, []string{"ifMetagenerationMatch", "ifMetagenerationNotMatch"}

var brokenGCS = []struct {
	name, notices string // the check that must notice it
	mutant        mutant
}{
	{"uploads ignore generations", "preconditions of uploads:", mutant{ask: only("POST", "/upload/", without(generation...))}},
	{"uploads ignore metagenerations", "preconditions of uploads:", mutant{ask: only("POST", "/upload/", without(metageneration...))}},
	{"resumable uploads ignore preconditions", "preconditions of uploads in parts:", mutant{ask: func(r *http.Request) {
		if r.URL.Query().Get("uploadType") == "resumable" {
			without(append(generation, metageneration...)...)(r)
		}
	}}},
	{"attributes ignore generations", "preconditions of reads:", mutant{ask: only("GET", "/o/", without(generation...))}},
	{"attributes ignore metagenerations", "preconditions of reads:", mutant{ask: only("GET", "/o/", without(metageneration...))}},
	{"reads ignore generations", "preconditions of reads:", mutant{ask: headerless("X-Goog-If-Generation-Match")}},
	{"reads ignore metagenerations", "preconditions of reads:", mutant{ask: headerless("X-Goog-If-Metageneration-Match")}},
	{"updates ignore generations", "preconditions of updates:", mutant{ask: only("PATCH", "/o/", without(generation...))}},
	{"updates ignore metagenerations", "preconditions of updates:", mutant{ask: only("PATCH", "/o/", without(metageneration...))}},
	{"deletes ignore generations", "preconditions of deletes:", mutant{ask: only("DELETE", "/o/", without(generation...))}},
	{"deletes ignore metagenerations", "preconditions of deletes:", mutant{ask: only("DELETE", "/o/", without(metageneration...))}},
	{"copies ignore what they write", "preconditions of copies:", mutant{ask: only("POST", "/rewriteTo/", without(append(generation, metageneration...)...))}},
	{"copies ignore generations of what they read", "preconditions of copies:", mutant{ask: without("ifSourceGenerationMatch", "ifSourceGenerationNotMatch")}},
	{"copies ignore metagenerations of what they read", "preconditions of copies:", mutant{ask: without("ifSourceMetagenerationMatch", "ifSourceMetagenerationNotMatch")}},
	{"compositions ignore what they write", "preconditions of compositions:", mutant{ask: only("POST", "/compose", without(append(generation, metageneration...)...))}},
	{"compositions ignore preconditions of parts", "preconditions of compositions:", mutant{ask: only("POST", "/compose", inRequest(`"ifGenerationMatch":"\d+"`, ""))}},
	{"compositions ignore generations of parts", "preconditions of compositions:", mutant{ask: only("POST", "/compose", inRequest(`"generation":"\d+",`, ""))}},
	{"compositions lose a part", "preconditions of compositions:", mutant{ask: only("POST", "/compose", inRequest(`,\{"name":"two"\}`, ""))}},
	{"equal generations", "generations are distinct", mutant{answer: inBody(`"generation":"\d+"`, `"generation":"7"`)}},
	{"generations fall", "generations are distinct", mutant{answer: func(_ *http.Request, b []byte) []byte {
		return regexp.MustCompile(`"generation":"\d+"`).ReplaceAllFunc(b, func(s []byte) []byte {
			n, _ := strconv.ParseInt(string(s[14:len(s)-1]), 10, 64)
			return []byte(`"generation":"` + strconv.FormatInt(4e15-n, 10) + `"`)
		})
	}}},
	{"metagenerations stay", "metagenerations begin", mutant{answer: inBody(`"metageneration":"\d+"`, `"metageneration":"1"`)}},
	{"readers have no metageneration", "metagenerations begin", mutant{status: func(_ *http.Request, resp *http.Response) { resp.Header.Del("X-Goog-Metageneration") }}},
	{"listings have no metageneration", "metagenerations begin", mutant{answer: func(r *http.Request, b []byte) []byte {
		if strings.HasSuffix(r.URL.Path, "/o") && r.Method == http.MethodGet {
			return inBody(`"metageneration":"\d+"`, `"metageneration":"1"`)(r, b)
		}
		return b
	}}},
	{"etags stay", "etags tell", mutant{answer: inBody(`"etag":"[^"]*"`, `"etag":"x"`)}},
	{"updates cannot clear", "an update changes", mutant{ask: only("PATCH", "/o/", inRequest(`"cacheControl":(null|"")`, `"contentLanguage":"x"`))}},
	{"reads are always of the live generation", "only the live generation", mutant{ask: only("GET", "", without("generation"))}},
	{"deletes are always of the live generation", "only the live generation", mutant{ask: only("DELETE", "", without("generation"))}},
	{"copies are always of the live generation", "only the live generation", mutant{ask: without("sourceGeneration")}},
	{"no versions", "versioned: older", mutant{ask: inRequest(`"versioning":\{"enabled":true\}`, `"versioning":{"enabled":false}`)}},
	{"versions are not listed", "versioned: older", mutant{ask: without("versions")}},
	{"refused after the effect", "what is refused", mutant{ask: only("POST", "/upload/", without(generation...)), status: func(r *http.Request, resp *http.Response) {
		if r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/upload/") {
			resp.StatusCode = 412
		}
	}}},
	{"an absent object is empty", "an object that is not there", mutant{status: func(r *http.Request, resp *http.Response) {
		if resp.StatusCode == 404 && r.Method == http.MethodGet { // a copy would go on for ever
			resp.StatusCode = 200
		}
	}}},
	{"contents are cut", "a written object", mutant{answer: func(r *http.Request, b []byte) []byte {
		if !strings.Contains(r.URL.Path, "storage/v1") && len(b) > 3 {
			return b[:3]
		}
		return b
	}}},
	{"ranges are ignored", "a range is read", mutant{ask: headerless("Range")}},
	{"copies are lost", "copies are new", mutant{ask: only("POST", "/rewriteTo/", func(r *http.Request) {
		r.URL.Path = strings.Replace(r.URL.Path, "/o/dst", "/o/elsewhere", 1)
		r.URL.RawPath = ""
	})}},
	{"prefixes are ignored", "listings are", mutant{ask: without("prefix")}},
	{"listings end with the first page", "listings are", mutant{answer: inBody(`"nextPageToken":"[^"]*",`, "")}},
	{"bucket preconditions are ignored", "preconditions of buckets", mutant{ask: func(r *http.Request) {
		if !strings.Contains(r.URL.Path, "/o") {
			without(metageneration...)(r)
		}
	}}},
}

// Each broken Cloud Storage is noticed, by the check that is for it; one that
// is not broken passes the same way.
func TestGCSNotices(t *testing.T) {
	check := func(t *testing.T, m mutant) (err error) {
		synctest.Test(t, func(t *testing.T) {
			e, openErr := fakestest.Open(t.Context(), gcs.New("gcs"))
			if openErr != nil {
				t.Fatal(openErr)
			}
			defer e.Close()
			m.base = e.Backend("gcs").(*gcs.Backend).Transport(e)
			client, openErr := storage.NewClient(t.Context(), option.WithoutAuthentication(), option.WithHTTPClient(&http.Client{Transport: m}))
			if openErr != nil {
				t.Fatal(openErr)
			}
			client.SetRetry(storage.WithPolicy(storage.RetryNever))
			err = fakestest.GCS(t.Context(), client, fakestest.GCSOptions{})
		})
		return err
	}
	if err := check(t, mutant{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range brokenGCS {
		t.Run(c.name, func(t *testing.T) {
			err := check(t, c.mutant)
			if err == nil {
				t.Fatal("nothing was noticed")
			}
			if !strings.Contains("\n"+err.Error(), "\n"+c.notices) {
				t.Errorf("%q did not notice it, but\n%v", c.notices, err)
			}
		})
	}
}
