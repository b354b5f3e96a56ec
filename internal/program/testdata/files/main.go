// Command files keeps what it has served in files: below /tmp, in a shared folder, or
// where it must not.
package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/made" {
			fmt.Println(os.MkdirAll("data", 0o700), os.Remove("nothing"), os.Mkdir("made", 0o700), os.Rename(os.TempDir(), "made"))
			return
		}
		path := map[string]string{"/tmp": filepath.Join(os.TempDir(), "seen"), "/shared": "data/seen", "/dot": "./data/seen", "/elsewhere": "seen"}[r.URL.Path]
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		_, _ = f.WriteString("x")
		_ = f.Close()
		seen, err := os.ReadFile(path)
		all, _ := filepath.Glob(filepath.Dir(path) + "/*")
		fmt.Println(r.URL.Path, string(seen), err, all)
	})
	if err := http.ListenAndServe(":8080", nil); err != nil {
		panic(err)
	}
}
