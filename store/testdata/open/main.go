// Command open opens a store and says how that went. A test builds it without
// cgo.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/fettle-edge/fettle/store"
	"github.com/fettle-edge/fettle/study/fault"
)

func main() {
	s, err := store.Open(context.Background(), os.Args[1])
	if e, ok := fault.As(err); ok {
		fmt.Printf("%s (try: %s)\n", e.Sentence, e.Try)
		os.Exit(1)
	}
	fmt.Println(err, s.Close())
}
