package sim

import (
	"io"
	"os"
	"sync"
)

// capture is the file that stands in for standard output and standard error
// during a run, and for the log package's output: what handlers print is
// told with the step in which they print it.
type capture struct {
	file  *os.File
	taken int64 // bytes that were told
}

// captureFile is made once a process and has no name.
var captureFile = sync.OnceValue(func() *os.File {
	f, err := os.CreateTemp("", "wtsim-output-")
	if err != nil {
		return nil // no place for temporary files: output is not captured
	}
	_ = os.Remove(f.Name())
	return f
})

func openCapture() *capture {
	c := &capture{file: captureFile()}
	if c.file != nil && c.written() > 0 {
		_ = c.file.Truncate(0)
		_, _ = c.file.Seek(0, io.SeekStart)
	}
	return c
}

func (c *capture) written() int64 {
	n, err := c.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return c.taken
	}
	return n
}

// grown reports whether something was printed since take.
func (c *capture) grown() bool { return c.file != nil && c.written() > c.taken }

// take returns what was printed since the last call.
func (c *capture) take() string {
	if !c.grown() {
		return ""
	}
	b := make([]byte, c.written()-c.taken)
	n, _ := c.file.ReadAt(b, c.taken)
	c.taken += int64(n)
	return string(b[:n])
}
