package sink

import (
	"bytes"
	"context"
	"io"
)

// Lines returns a sink that writes one CloudEvent a line, such as to
// [os.Stdout]: a platform that collects standard output brings them to a
// monitor as application/x-ndjson. Nothing else should write into these lines.
func Lines(w io.Writer, o Options) *Sink {
	torn := false // the last write has ended within a line
	return New(func(_ context.Context, batch [][]byte) error {
		var text []byte
		if torn {
			text = append(text, '\n')
		}
		n, err := w.Write(append(append(text, bytes.Join(batch, []byte{'\n'})...), '\n'))
		torn = err != nil && (n > 0 || torn)
		return err
	}, o)
}
