// Command cmd serves the ledger's functions on a developer's machine. The platform
// makes a main of its own.
package main

import (
	"cmp"
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "example.com/programs/ledger"
)

func main() {
	if err := funcframework.Start(cmp.Or(os.Getenv("PORT"), "8080")); err != nil {
		log.Fatalf("start: %v", err)
	}
}
