//go:build linux

package service

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wtsim/wtsim/event"
	"github.com/wtsim/wtsim/monitor"
	"github.com/wtsim/wtsim/monitor/stream/jetstream"
	"github.com/wtsim/wtsim/props"
)

func sortedNames[T any](all map[string]T) []string { return slices.Sorted(maps.Keys(all)) }

// powerData is the directory of the process that is a monitor, and no test.
const powerData = "WTSIM_POWER_DATA"

func TestMain(m *testing.M) {
	if dir := os.Getenv(powerData); dir != "" {
		fmt.Fprintln(os.Stderr, monitorUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

var powerOptions = monitor.StreamOptions{Lateness: time.Minute}

// monitorUntilKilled is a monitor on JetStream with its data in a directory. It
// says where it listens.
func monitorUntilKilled(dir string) error {
	e, err := jetstream.Embed(dir)
	if err != nil {
		return err
	}
	p, err := monitor.Compile(props.AtMostOnce("once", props.On("PAID", "order")))
	if err != nil {
		return err
	}
	s, err := Start(context.Background(), Options{Program: p, Stream: powerOptions, Shards: 2, Log: os.Stderr}, e)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return s.Serve(l)
}

// powered is a monitor on a disk whose power is cut.
type powered struct {
	t       *testing.T
	r       *rand.Rand
	dir     string
	disk    *disk
	unmount func()
	cmd     *exec.Cmd
	base    string
	cuts    int
	said    strings.Builder // on standard error
}

// start returns whether the monitor listens.
func (p *powered) start() bool {
	p.t.Helper()
	p.unmount = p.disk.mount(p.t, p.dir)
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), powerData+"="+filepath.Join(p.dir, "data"))
	p.cmd.Stderr = &p.said
	out, err := p.cmd.StdoutPipe()
	if err = errors.Join(err, p.cmd.Start()); err != nil {
		p.t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	p.base = "http://" + strings.TrimSpace(line)
	return err == nil
}

// powerOff kills the monitor and cuts the power of its disk.
func (p *powered) powerOff() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.unmount()
	p.disk = p.disk.cut(p.r)
	p.cuts++
}

// deliver sends until it is answered, and starts the monitor where it is dead.
func (p *powered) deliver(body string) (started bool) {
	p.t.Helper()
	for {
		r, err := http.Post(p.base+"/v1/events", "application/x-ndjson", strings.NewReader(body))
		if err == nil {
			_, err = io.Copy(io.Discard, r.Body)
			r.Body.Close()
		}
		switch {
		case err != nil:
			p.powerOff()
			if !p.start() {
				return false
			}
		case r.StatusCode == http.StatusAccepted:
			return true
		case r.StatusCode != http.StatusServiceUnavailable && r.StatusCode != http.StatusTooManyRequests:
			p.t.Fatal(r.Status)
		}
	}
}

// powerEvents are events of four sources, few of which violate.
func powerEvents(r *rand.Rand, n int) (all []event.Event) {
	for i := range n {
		order := i
		if r.IntN(200) == 0 {
			order = r.IntN(i + 1)
		}
		all = append(all, event.Event{ID: fmt.Sprint(i), Source: fmt.Sprint("s", i%4), Sequence: fmt.Sprint(i / 4), Type: "PAID",
			Time: begin.Add(time.Duration(i) * time.Millisecond), Data: event.Data{{Name: "order", Value: event.Str(fmt.Sprint("o-", order))}}})
	}
	return all
}

// sendAll sends events, and cuts the power while some of them are on their way.
func (p *powered) sendAll(all []event.Event, cuts int) (started bool) {
	const per = 25
	for n := range len(all) / per {
		var body []byte
		for i := range all[n*per : (n+1)*per] {
			body = append(all[n*per+i].AppendJSON(body), '\n')
		}
		var killer sync.WaitGroup
		if n%(len(all)/per/cuts) == 1 {
			after, process := time.Duration(p.r.IntN(4000))*time.Microsecond, p.cmd.Process
			killer.Go(func() {
				time.Sleep(after)
				_ = process.Kill() // it goes with the power
			})
		}
		started = p.deliver(string(body))
		if killer.Wait(); !started {
			return false
		}
	}
	return true
}

// judged closes the monitor's input, and returns what it has found and counted.
func (p *powered) judged() (ids []string, status Status) {
	p.t.Helper()
	if r, text := post(p.t, p.base+"/v1/close", ""); r.StatusCode != http.StatusOK {
		p.t.Fatal(r.Status, text)
	}
	_, text := get(p.t, p.base+"/v1/violations")
	for line := range strings.Lines(text) {
		var v struct{ ID string }
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			p.t.Fatal(err)
		}
		ids = append(ids, v.ID)
	}
	_, text = get(p.t, p.base+"/v1/status")
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		p.t.Fatal(err)
	}
	slices.Sort(ids)
	return ids, status
}

// The power is cut again and again while events come: of all files only what was
// synced is there, with torn tails. What was acknowledged is there, the verdicts are those of
// one engine, none missing and none twice, and nothing is reported as lost. On a
// disk that answers for a sync and does nothing, acknowledged events are gone: so
// the test sees what it is for.
func TestTorturePowerLoss(t *testing.T) {
	events, cuts := 2000, 8
	if text := os.Getenv("WTSIM_TORTURE"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal("WTSIM_TORTURE: how many events, wanted a number")
		}
		events, cuts = min(n, 100_000), 200
	}
	for _, lies := range []bool{false, true} {
		r := rand.New(rand.NewPCG(15, 9))
		p := &powered{t: t, r: r, dir: t.TempDir(), disk: newDisk()}
		p.disk.lies = lies
		all := powerEvents(r, events)
		started := p.start() && p.sendAll(all, cuts)
		if !started && !lies {
			t.Fatalf("after %d cuts: %s", p.cuts, p.said.String())
		}
		var got []string
		var status Status
		if started {
			got, status = p.judged()
		}
		p.powerOff()
		want, sum := judgedAlone(t, all)
		if lies {
			if status.Events >= sum.Events {
				t.Errorf("a disk that lies keeps %d of %d events", status.Events, sum.Events)
			}
			continue
		}
		if !slices.Equal(got, want) || len(want) < 3 || p.cuts < cuts/2 {
			t.Errorf("%d cuts: %d violations, wanted %d; %s", p.cuts, len(got), len(want), p.said.String())
		}
		if status.Events != sum.Events || status.Late+status.Missing+status.Malformed+status.Lost > 0 || status.Alarms > 0 {
			t.Errorf("%+v, wanted %d events and nothing else; %s", status, sum.Events, p.said.String())
		}
		t.Logf("%d events, %d cuts", events, p.cuts)
	}
}

// judgedAlone is what one engine finds.
func judgedAlone(t *testing.T, all []event.Event) (ids []string, sum monitor.Summary) {
	t.Helper()
	s, err := program(t).Stream(powerOptions)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range append(pushAll(s, all), s.Close().Violations()...) {
		ids = append(ids, v.ID())
	}
	slices.Sort(ids)
	return ids, s.Summary()
}

func pushAll(s *monitor.Stream, all []event.Event) (found []monitor.Violation) {
	for _, e := range all {
		found = append(found, s.Push([]monitor.Input{{Event: e}}).Violations()...)
	}
	return found
}
