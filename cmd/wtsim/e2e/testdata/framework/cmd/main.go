// The command serves one handler, of package main.
package main

import (
	"log"
	"net/http"
)

func hello(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.FormValue("name"))) }

func main() {
	http.HandleFunc("/", hello)
	log.Fatal(http.ListenAndServe(":8080", nil))
}
