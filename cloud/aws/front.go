package aws

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wtsim/wtsim/cloud"
)

// Front is what stands before a function, and makes events of requests:
// [FunctionURL], [HTTPAPI], [RestAPI] or [ALB].
type Front interface {
	// event is what the function gets; false if the front answers by itself.
	event(w http.ResponseWriter, r *incoming) (payload any, ok bool)
	// answer makes a response of what the function has returned; false if that
	// is none.
	answer(w http.ResponseWriter, payload []byte) bool
	// waits is how long it waits for the function, zero for as long as that may take,
	// and what it answers then: a status and a message.
	waits() (time.Duration, int, string)
	// failed answers where the function has failed, or has returned what is no
	// response.
	failed(w http.ResponseWriter)
}

// incoming is a request, read.
type incoming struct {
	*http.Request
	id   string
	at   time.Time
	body []byte
}

// gateway is the HTTP handler of a function: its front, and what is behind.
type gateway struct {
	front Front
	f     *Function
}

// ServeHTTP invokes the function with an event.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	in := &incoming{r, requestID(r.Context()), time.Now().UTC(), body} //wtsim:clock the bubble's clock
	event, ok := g.front.event(w, in)
	if !ok {
		return
	}
	payload, err := json.Marshal(event)
	if err != nil {
		panic(err) // texts and numbers
	}
	e := g.f.Invoke(r.Context(), payload)
	if e.Panic != nil {
		panic(e.Panic.Value) // of a program's, which its instance tells
	}
	if !e.Success || !g.front.answer(w, e.Response.Body) {
		g.front.failed(w)
	}
}

// Waits is how long the front waits, and its answer then.
func (g *gateway) Waits() (time.Duration, cloud.Response) {
	d, status, message := g.front.waits()
	body, err := json.Marshal(map[string]string{"message": message})
	if err != nil {
		panic(err) // texts
	}
	return d, cloud.Response{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
}

// text returns a body as it stands in an event: binary ones in base64.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html#respond-to-load-balancer
func (r *incoming) text() (body string, base64Encoded bool) {
	kind, _, _ := strings.Cut(strings.ToLower(r.Header.Get("Content-Type")), ";")
	kind = strings.TrimSpace(kind)
	plain := kind == "" || strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, "+xml")
	switch kind {
	case "application/json", "application/javascript", "application/xml", "application/x-www-form-urlencoded":
		plain = true
	}
	if plain && r.Header.Get("Content-Encoding") == "" {
		return string(r.body), false
	}
	return base64.StdEncoding.EncodeToString(r.body), true
}

// headers are one value each, of names in lower case; several are joined. What stands
// before the function adds where the request comes from.
// https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
func (r *incoming) headers() map[string]string {
	out := map[string]string{"host": r.Host, "content-length": strconv.Itoa(len(r.body))}
	for name, values := range r.Header { //wtsim:order a map to a map
		out[strings.ToLower(name)] = strings.Join(values, ",")
	}
	for name, value := range r.forwarded() { //wtsim:order a map to a map
		out[strings.ToLower(name)] = value
	}
	return out
}

// clientIP is where all requests come from: an address of those for documentation.
const clientIP = "192.0.2.1"

// forwarded are the headers that tell of the client, and of the trace.
func (r *incoming) forwarded() map[string]string {
	from := clientIP
	if before := r.Header.Get("X-Forwarded-For"); before != "" {
		from = before + ", " + from
	}
	return map[string]string{"X-Forwarded-For": from, "X-Forwarded-Port": "443", "X-Forwarded-Proto": "https", "X-Amzn-Trace-Id": trace(r.id)}
}

// trace is the root of a request's trace: of its id.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func trace(id string) string {
	h := digest("trace " + id)
	return "Root=1-" + hex.EncodeToString(h[:4]) + "-" + hex.EncodeToString(h[4:16])
}

// query is one value each; several are joined, or else the last counts.
func (r *incoming) query(joined bool) map[string]string {
	var out map[string]string
	for name, values := range r.URL.Query() { //wtsim:order a map to a map
		if out == nil {
			out = map[string]string{}
		}
		if out[name] = values[len(values)-1]; joined {
			out[name] = strings.Join(values, ",")
		}
	}
	return out
}

func (r *incoming) cookies() (out []string) {
	for _, c := range r.Cookies() {
		out = append(out, c.Name+"="+c.Value)
	}
	return out
}

// returned is what a function returns to any of the fronts.
type returned struct {
	Status  *json.Number        `json:"statusCode"`
	Headers map[string]any      `json:"headers"`
	Multi   map[string][]string `json:"multiValueHeaders"`
	Cookies []string            `json:"cookies"`
	Body    string              `json:"body"`
	Base64  bool                `json:"isBase64Encoded"`
}

// write writes it, where it is a response.
func (v *returned) write(w http.ResponseWriter) bool {
	if v.Status == nil {
		return false
	}
	status, err := v.Status.Int64()
	if err != nil || status < 100 || status > 599 {
		return false
	}
	body := []byte(v.Body)
	if v.Base64 {
		if body, err = base64.StdEncoding.DecodeString(v.Body); err != nil {
			return false
		}
	}
	for name, value := range v.Headers { //wtsim:order headers are independent
		text, ok := value.(string)
		if !ok {
			number, _ := json.Marshal(value) // it was JSON
			text = string(number)
		}
		w.Header().Set(name, text)
	}
	for name, values := range v.Multi { //wtsim:order headers are independent
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	for _, c := range v.Cookies {
		w.Header().Add("Set-Cookie", c)
	}
	w.WriteHeader(int(status))
	_, _ = w.Write(body) // it is a recorder's
	return true
}

// structured writes what is a response with a status code.
func structured(w http.ResponseWriter, payload []byte) bool {
	var v returned
	return json.Unmarshal(payload, &v) == nil && v.write(w)
}

// inferred writes any JSON: what has no status code is the body of a 200.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html#http-api-develop-integrations-lambda.response
func inferred(w http.ResponseWriter, payload []byte) bool {
	var v returned
	if json.Unmarshal(payload, &v) == nil && v.Status != nil {
		return v.write(w)
	}
	var text string
	if json.Unmarshal(payload, &text) == nil {
		payload = []byte(text)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(payload) // it is a recorder's
	return true
}

// refuse answers with a message.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message}) // it is a recorder's
}

// clf is the time as API Gateway tells it.
const clf = "02/Jan/2006:15:04:05 -0700"

var _ http.Handler = (*gateway)(nil)
var _ cloud.Runtime = (*runtime)(nil)
