package command

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A monitor that wants certificates, and has one that this machine does not know, is
// asked with both.
func TestMonitorStatusOverTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"verdict":"held","events":3,"ready":true}`))
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	file := func(name, kind string, der []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca, own := file("ca.pem", "CERTIFICATE", server.Certificate().Raw), file("me.key", "PRIVATE KEY", key)
	for _, x := range []struct {
		flags  []string
		code   int
		wanted string
	}{
		{nil, exitUsage, "no answer"},
		{[]string{"--ca", ca}, exitUsage, "no answer"},
		{[]string{"--ca", ca, "--tls-cert", ca, "--tls-key", own}, exitHeld, "held: 3 events"},
	} {
		var out bytes.Buffer
		code := (&app{stdout: &out, stderr: &out}).main(append([]string{"monitor", "status", "--addr", server.URL}, x.flags...))
		if code != x.code || !strings.Contains(out.String(), x.wanted) {
			t.Errorf("%q: exit %d, %s", x.flags, code, out.String())
		}
	}
}
