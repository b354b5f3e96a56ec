package service

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/wtsim/wtsim/monitor/stream"
)

// metrics are what Prometheus reads. No label is a text of an event.
type metrics struct {
	registry      *prometheus.Registry
	requests      *prometheus.CounterVec
	accepted      prometheus.Counter
	refusedEvents prometheus.Counter
	unmatched     prometheus.Counter
	errors        prometheus.Counter
	alarms        prometheus.Counter
	dropped       prometheus.Counter
	offsets       *prometheus.GaugeVec
	delays        prometheus.Histogram

	mu         sync.Mutex
	cursors    map[string]int
	alarmsSeen atomic.Int64
}

func newMetrics(s *Service) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), cursors: map[string]int{}}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "wtsim_" + name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "wtsim_requests_total", Help: "Requests with events, by answer."}, []string{"status"})
	m.offsets = prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "wtsim_judged_block", Help: "The last block that this process has judged, by partition."}, []string{"partition"})
	m.delays = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "wtsim_detection_delay_seconds",
		Help: "From when a violation could be known (its event's time, skew and lateness) until it was told, of events that are not from a recording.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)})
	m.registry.MustRegister(m.requests, m.offsets, m.delays)
	m.accepted = counter("events_accepted_total", "Events that this process has stored.")
	m.refusedEvents = counter("events_malformed_total", "Lines that are no events, at this process.")
	m.unmatched = counter("records_unmatched_total", "Spans that no rule makes an event of, and log records without an event name.")
	m.errors = counter("errors_total", "Operations that failed, and were tried again.")
	m.alarms = counter("alarms_total", "Damages of the log or of a state.")
	m.dropped = counter("webhook_refused_total", "Violations that the webhook's receiver has refused for good.")
	sum := func(name, help string, value func(stream.Totals) int) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "wtsim_" + name, Help: help}, func() float64 {
			return float64(value(s.totals()))
		}))
	}
	sum("events", "Events judged, without duplicates.", func(t stream.Totals) int { return t.Events })
	sum("violations", "Violations.", func(t stream.Totals) int { return t.Violations })
	sum("malformed", "Lines that are no events, and events malformed for a property.", func(t stream.Totals) int { return t.Malformed })
	sum("late", "Events that came too late to be judged.", func(t stream.Totals) int { return t.Late })
	sum("missing", "Gaps in the sequences of sources.", func(t stream.Totals) int { return t.Missing })
	sum("duplicates", "Events that came again.", func(t stream.Totals) int { return t.Duplicates })
	sum("undecided", "Instances that may be violated, and may not.", func(t stream.Totals) int { return t.Undecided })
	sum("instances", "Instances that can still be violated.", func(t stream.Totals) int { return t.Instances })
	sum("lost_blocks", "Blocks that the log has lost or damaged.", func(t stream.Totals) int { return t.Lost })
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "wtsim_" + name, Help: help}, value))
	}
	gauge("lag_blocks", "Blocks that this process has stored and that are not committed.", func() float64 { return float64(s.lag()) })
	gauge("watermark_delay_seconds", "How far the watermark is behind the newest event.", func() float64 { return s.delay().Seconds() })
	gauge("state_bytes", "Bytes of the newest saved states.", func() float64 { return float64(s.stateBytes()) })
	gauge("pending_bytes", "Bytes on their way to the log.", func() float64 { return float64(s.gateway.pending.Load()) })
	gauge("webhook_waiting", "Violations that the webhook's receiver does not have yet.", func() float64 {
		if s.Webhook == "" {
			return 0
		}
		return float64(s.verdicts.len() - m.cursor("webhook"))
	})
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) judged(shard int, w *stream.Worker) {
	m.offsets.WithLabelValues(strconv.Itoa(shard)).Set(float64(w.Judged()))
}

func (m *metrics) answered(status, accepted, malformed int) {
	m.requests.WithLabelValues(strconv.Itoa(status)).Inc()
	m.accepted.Add(float64(accepted))
	m.refusedEvents.Add(float64(malformed))
}

// found notes how long it took until a violation was told.
func (m *metrics) found(n stream.Name, now time.Time, wait time.Duration) {
	if age := now.Sub(n.Time); age <= live {
		m.delays.Observe(max(age-wait, 0).Seconds())
	}
}

func (m *metrics) failed() { m.errors.Inc() }

func (m *metrics) alarmed() {
	m.alarms.Inc()
	m.alarmsSeen.Add(1)
}

func (m *metrics) webhookRefused() { m.dropped.Inc() }

func (m *metrics) setCursor(name string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cursors[name] = n
}

func (m *metrics) cursor(name string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursors[name]
}
