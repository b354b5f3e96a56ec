package sim

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wtsim/wtsim/cloud"
	"github.com/wtsim/wtsim/internal/program"
	"github.com/wtsim/wtsim/internal/seeded"
	"github.com/wtsim/wtsim/probe"
)

// How processes call, and are called. Between two instances there is what the
// platform has there: requests, by HTTP/1.1 or, as those of gRPC, by HTTP/2.

// dial connects the process with what is at an address.
func (p *process) dial(r *program.Record) {
	network, address, _ := strings.Cut(string(r.Data), "\x00")
	conn, err := p.reach(network, address, r)
	if err != nil {
		p.tell(program.Record{Kind: program.Dialled, ID: r.ID, Data: []byte("refused")})
		return
	}
	p.tell(program.Record{Kind: program.Dialled, ID: r.ID})
	p.connect(r.ID, conn, r.Work)
}

func (p *process) reach(network, address string, r *program.Record) (net.Conn, error) {
	seam := &p.inst.world.seam
	host, port := cloud.PlaceOf(address)
	switch {
	case network == "http" || network == "https":
		ours, theirs := net.Pipe()
		go p.route(network, address, r, ours) //wtsim:go each request of a process is carried out apart
		return theirs, nil
	case port == "53" && (strings.HasPrefix(network, "udp") || strings.HasPrefix(network, "tcp")):
		ours, theirs := net.Pipe()
		go p.lookUps(ours) //wtsim:go a server is a goroutine
		return theirs, nil
	}
	b := seam.services.at(address)
	if b, ok := b.(cloud.Dialed); ok {
		return b.Dial(&processWire{p: p, id: r.ID}), nil
	}
	if _, ok := b.(cloud.Host); ok || seam.fleet.at(host) != nil {
		ours, theirs := net.Pipe()
		p.front(address, r.ID, ours)
		return theirs, nil
	}
	known := seam.services.known(address)
	if seam.ofPlatform(known) { // who calls is told, by name
		ours, theirs := net.Pipe()
		p.front(known, r.ID, ours)
		return theirs, nil
	}
	return nil, seam.pastSeam(p.inst, place(network, known))
}

// lookUps answers what the process asks a name server, as TCP has it (RFC 1035,
// 4.2.2): two bytes of length before each message.
func (p *process) lookUps(c net.Conn) {
	defer c.Close()
	for {
		var size [2]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(c, question); err != nil {
			return
		}
		reply, past := p.inst.world.seam.resolve(p.inst, question)
		if past {
			p.inst.world.gate.signal()
		}
		if reply == nil {
			return
		}
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

// route carries out the one HTTP request of a connection that a transport of the
// process has opened, as the instance's client would.
func (p *process) route(scheme, host string, dial *program.Record, c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if p.toldOfItself(host, r, c) {
		return
	}
	ctx, cancel := context.WithCancel(probe.Label(p.inst.ctx, p.inst.tap, p.label(dial.Work)))
	defer cancel()
	if p.fetches != nil && host == p.inst.world.sim.scenario.Platform.RuntimeAt {
		p.answerItself(ctx, p.fetches, r, string(body), c)
		return
	}
	go func() { //wtsim:go notices that the process gives up
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	var by time.Time
	if w := p.wire(dial.ID); w != nil {
		by = w.waitsUntil()
	}
	response, err := p.request(within{ctx, by}, scheme, host, r, body)
	if err != nil {
		return // the connection breaks
	}
	defer response.Body.Close()
	response.Close = true
	_ = response.Write(c) // the process may have gone
}

// request makes a request of the process's.
func (p *process) request(ctx context.Context, scheme, host string, r *http.Request, body []byte) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host, r.RequestURI = scheme, host, ""
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return p.inst.router.RoundTrip(r.WithContext(ctx))
}

// within is a context that tells by when its caller gives up, and leaves it to
// the caller to do so: that looks at its own clock.
type within struct {
	context.Context
	by time.Time
}

// Deadline is when.
func (w within) Deadline() (time.Time, bool) { return w.by, !w.by.IsZero() }

// toldOfItself answers what the platform tells a process of where it runs, and of
// who it is. That is no operation: nothing but the platform is asked.
func (p *process) toldOfItself(host string, r *http.Request, c net.Conn) bool {
	tells := p.inst.world.sim.scenario.Platform.Metadata
	if tells == nil || !p.inst.world.seam.absent(host) {
		return false
	}
	p.answerItself(r.Context(), tells, r, "", c)
	return true
}

// answerItself answers a call of the process's to the platform's own. Where the answer
// is an invocation, the process's transport learns for whom it works.
func (p *process) answerItself(ctx context.Context, h http.Handler, r *http.Request, body string, c net.Conn) {
	asked := cloud.Request{Method: r.Method, Path: r.URL.RequestURI(), Header: map[string]string{}, Body: body}
	for name := range r.Header { //wtsim:order a map to a map
		asked.Header[name] = r.Header.Get(name)
	}
	response := httpResponse(asked.Call(ctx, cloud.HTTP(h)).Response, r)
	response.Close = true
	if label := response.Header.Get(cloud.WorksFor); label != "" {
		response.Header.Del(cloud.WorksFor)
		response.Header.Set(program.WorkHeader, strconv.FormatUint(uint64(p.work(label)), 10))
	}
	_ = response.Write(c) // the process may have gone
}

// front serves a connection that the process has dialled to a host by itself, and
// not by a transport.
func (p *process) front(host string, id uint32, c net.Conn) {
	host = strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":80")
	if f, _ := cloud.PlaceOf(host); p.inst.world.fleet.at(f) != nil {
		host = p.inst.world.fleet.at(f).Name // whose port is its own
	}
	s := &http.Server{Protocols: &http.Protocols{}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.forward(w, r, host, id) })}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	l := &onlyOne{conn: make(chan net.Conn, 1), end: make(chan struct{})}
	l.conn <- c
	context.AfterFunc(p.inst.ctx, func() { _ = s.Close() })
	go func() { _ = s.Serve(l) }() //wtsim:go a server is goroutines
}

// forward carries out a request of such a connection.
func (p *process) forward(w http.ResponseWriter, r *http.Request, host string, id uint32) {
	seeded.Quiet(true)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	caller, by := program.Told(r.Header)
	label := p.called(caller)
	if w := p.wire(id); w != nil && caller == "" {
		label = p.label(w.worker())
	}
	ctx := probe.Label(r.Context(), p.inst.tap, label)
	response, err := p.request(within{ctx, by}, "http", host, r, body)
	if err != nil {
		panic(http.ErrAbortHandler) // the connection, or the stream, breaks
	}
	defer response.Body.Close()
	for name, values := range response.Header { //wtsim:order headers are independent
		w.Header()[name] = values
	}
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

// onlyOne is a listener that has one connection.
type onlyOne struct {
	conn chan net.Conn
	end  chan struct{}
	once sync.Once
}

// Accept returns it, once.
func (l *onlyOne) Accept() (net.Conn, error) {
	select {
	case c := <-l.conn:
		return c, nil
	case <-l.end:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (l *onlyOne) Close() error {
	l.once.Do(func() { close(l.end) })
	return nil
}

// Addr is of no use.
func (l *onlyOne) Addr() net.Addr { return &net.TCPAddr{} }

// response is what a program answers.
type response struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request on a connection of its own, which ends with it.
func (p *process) ask(r *http.Request) (*response, error) {
	seeded.Quiet(true)
	ours, theirs := net.Pipe()
	p.mu.Lock()
	p.calls++
	id := 1<<31 | p.calls
	p.mu.Unlock()
	work := p.work(probe.Caller())
	p.tell(program.Record{Kind: program.Accept, ID: id, Work: work, Data: []byte(strconv.Itoa(p.inst.fn.Main.Port))})
	p.connect(id, theirs, work)
	defer ours.Close()
	defer context.AfterFunc(r.Context(), func() { ours.Close() })() // with its time limit
	answer, err := program.Send(r, ours)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	for name, values := range answer.Trailer { //wtsim:order trailers are independent
		answer.Header[http.TrailerPrefix+name] = values
	}
	return &response{answer.StatusCode, answer.Header, body}, nil
}
