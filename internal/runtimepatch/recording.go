package runtimepatch

// RecordTag is the build tag that selects the files which reach what
// [Release.Recording] adds.
const RecordTag = "wtsim_record"

// recording is what a recorder needs to see an unmodified program. Every edit
// looks on: without a recorder it is one comparison with nil, and with one, bytes
// take the way, and connections have the types, that they have without.
var recording = patch{
	edits: []edit{
		{file: "net/http/roundtrip.go", anchor: "\treturn t.roundTrip(req)\n",
			text: "\tif wtsimRoundTrip != nil {\n\t\treturn wtsimRoundTrip(req, wtsimBase{t})\n\t}\n\treturn t.roundTrip(req)\n",
			why:  "requests of every client that ends in a Transport"},
		before("net/http/server.go", "\thandler.ServeHTTP(rw, req)\n",
			"\tif wtsimServe != nil {\n\t\thandler = wtsimServe(handler)\n\t}\n",
			"each request of a server is an invocation"),
		after("net/fd_posix.go", "\traddr       Addr\n", "\twtsim       wtsimWatcher // nil if nobody looks on\n",
			"whoever looks on at a connection"),
		{file: "net/dial.go", anchor: "\treturn sd.dialParallel(ctx, primaries, fallbacks)\n",
			text: "\tc, err := sd.dialParallel(ctx, primaries, fallbacks)\n\tif err == nil {\n\t\twtsimDialed(c, address)\n\t}\n\treturn c, err\n",
			why:  "is told of each that is made"},
		before("net/net.go", "\tn, err := c.fd.Write(b)\n",
			"\tif c.fd.wtsim != nil {\n\t\tc.fd.wtsim.Wrote(b)\n\t}\n",
			"of what is written, before it can be answered"),
		after("net/net.go", "\tn, err := c.fd.Read(b)\n",
			"\tif c.fd.wtsim != nil && n > 0 {\n\t\tc.fd.wtsim.Read(b[:n])\n\t}\n",
			"and of what has been read, before the reader goes on"),
		before("net/writev_unix.go", "\tn, err := c.fd.writeBuffers(v)\n",
			"\tif c.fd.wtsim != nil {\n\t\tfor _, b := range *v {\n\t\t\tc.fd.wtsim.Wrote(b)\n\t\t}\n\t}\n",
			"the same for several pieces at once"),
		before("net/tcpsock.go", "\tn, err := c.readFrom(r)\n",
			"\tif c.fd.wtsim != nil {\n\t\tc.fd.wtsim.Lost()\n\t}\n",
			"what the kernel copies is not seen"),
		before("net/tcpsock.go", "\tn, err := c.writeTo(w)\n",
			"\tif c.fd.wtsim != nil {\n\t\tc.fd.wtsim.Lost()\n\t}\n",
			"the same"),
		after("crypto/tls/conn.go", "\tconn        net.Conn\n", "\twtsim       wtsimWatcher // nil if nobody looks on\n",
			"and within TLS"),
		after("crypto/tls/tls.go", "\tc.handshakeFn = c.clientHandshake\n", "\tc.wtsim = wtsimClient(conn, config)\n",
			"where the program is the client"),
		{file: "crypto/tls/conn.go", anchor: "func (c *Conn) Write(b []byte) (int, error) {\n",
			text: "func (c *Conn) Write(b []byte) (int, error) {\n\tif c.wtsim != nil {\n\t\tc.wtsim.Wrote(b)\n\t}\n",
			why:  "the same"},
		{file: "crypto/tls/conn.go", anchor: "func (c *Conn) Read(b []byte) (int, error) {\n",
			text: "func (c *Conn) Read(b []byte) (int, error) {\n\tn, err := c.wtsimRead(b)\n\tif c.wtsim != nil && n > 0 {\n\t\tc.wtsim.Read(b[:n])\n\t}\n\treturn n, err\n}\n\nfunc (c *Conn) wtsimRead(b []byte) (int, error) {\n",
			why:  "the same"},
		{file: "database/sql/sql.go", anchor: "ci, err := db.connector.Connect(ctx)\n", text: "ci, err := db.wtsimConnect(ctx)\n", times: 2,
			why: "statements of every connection of a database"},
		{file: "database/sql/sql.go", anchor: "err = f(dc.ci)\n", text: "err = f(wtsimRaw(dc.ci))\n",
			why: "which stays the driver's to who asks for it"},
		{file: "crypto/internal/rand/rand.go", anchor: "\tdrbg.Read(b)\n\treturn len(b), nil\n",
			text: "\tdrbg.Read(b)\n\tif WtsimDrawn != nil {\n\t\tWtsimDrawn(string(b))\n\t}\n\treturn len(b), nil\n",
			why:  "what is drawn of crypto/rand.Reader"},
		after("crypto/rand/rand.go", "\t\t\tdrbg.Read(b)\n",
			"\t\t\tif rand.WtsimDrawn != nil {\n\t\t\t\trand.WtsimDrawn(string(b))\n\t\t\t}\n",
			"and by crypto/rand.Read"),
		{file: "math/rand/rand.go", anchor: "\treturn int64(runtime_rand() & rngMask)\n", text: told("x & rngMask", "int64"),
			why: "numbers of math/rand's own functions"},
		{file: "math/rand/rand.go", anchor: "\treturn runtime_rand()\n", text: told("x", "uint64"), why: "the same"},
		{file: "math/rand/v2/rand.go", anchor: "\treturn runtime_rand()\n", text: told("x", "uint64"), why: "the same"},
	},
	added: map[string]string{
		"net/wtsim_record.go":                  "files/record_net.txt",
		"net/http/wtsim_record.go":             "files/record_http.txt",
		"crypto/tls/wtsim_record.go":           "files/record_tls.txt",
		"os/wtsim_record.go":                   "files/record_os.txt",
		"database/sql/wtsim_record.go":         "files/record_sql.txt",
		"crypto/internal/rand/wtsim_record.go": "files/record_rand.txt",
		"math/rand/wtsim_record.go":            "files/record_mathrand.txt",
		"math/rand/v2/wtsim_record.go":         "files/record_mathrand.txt",
	},
}

// told is the end of a function of math/rand that draws: it says what it has drawn.
func told(result, as string) string {
	return "\tx := runtime_rand()\n\tif wtsimNumbered != nil {\n\t\twtsimNumbered(x)\n\t}\n\treturn " + as + "(" + result + ")\n"
}
