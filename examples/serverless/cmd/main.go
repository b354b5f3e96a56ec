// Command cmd serves one of the functions on this machine: FUNCTION_TARGET=Monitor
// or Shop, at PORT.
package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	_ "example.com/serverless"
)

func main() {
	log.Fatal(funcframework.Start(os.Getenv("PORT")))
}
