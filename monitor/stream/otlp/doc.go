// Package otlp takes OpenTelemetry in: traces and logs, over HTTP and gRPC, as
// events of [wtsim monitor]. It alone links OpenTelemetry's and gRPC's servers.
//
// Words: a span is an operation of whoever made it ([event.Operation]), as a call
// at a seam of ours is; [Rules] are those of package probe, over the attributes of
// the semantic conventions too.
//
//  1. A span is what rules make of it: events at its end, or at its start. Nothing
//     else of it is kept. A log record that has an event name is an event of that
//     type, whose attributes are its parameters.
//  2. The source of an event is the resource's service.instance.id, else its
//     faas.instance. What has neither is refused.
//  3. Spans and logs are sampled and dropped on their way, so that their events are
//     lossy ([event.Event.Lossy]), and have no sequence: what places one in its
//     source is its time. A span that is numbered (package otelprobe) is of the
//     source with "/spans" behind its name, which is not lossy; one that no rule
//     wants is an event of type [Placeholder] there, so that its number is not
//     missing.
//  4. Attributes that have several spellings are one, that of the newest
//     conventions (convention.go).
//
// Not supported: metrics and profiles; causal edges (a parent, a link), which no
// skew would loosen: events of one source keep their order, those of two are
// ordered by time, to the skew.
//
// [wtsim monitor]: https://github.com/wtsim/wtsim/blob/main/docs/production.md
package otlp
