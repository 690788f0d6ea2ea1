// Tessera on POSIX files, asked what the register is asked: N entries, T at
// once, each waited for until a published checkpoint covers it. Batches and
// checkpoint interval are set to the register's own (256 entries, 200 ms), no
// deduplication. Built by tests/bench/register.py, outside the other modules,
// for it wants a newer Go than Debian 12 has.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
}

// As long as the leaf that the register's driver logs.
func entry(seed, i int) []byte {
	subject := fmt.Sprintf("%064x", seed<<32|i)
	return []byte(`{"id":"00112233445566778899aabbccddeeff","kind":"model","subject":["sha256:` +
		subject + `"],"t":1790000000,"type":"submission","v":1}`)
}

func main() {
	dir := os.Args[1]
	n, err := strconv.Atoi(os.Args[2])
	must(err)
	threads, err := strconv.Atoi(os.Args[3])
	must(err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	secret, _, err := note.GenerateKey(rand.Reader, "bench.example/log")
	must(err)
	signer, err := note.NewSigner(secret)
	must(err)
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	must(err)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(256, 200*time.Millisecond).
		WithCheckpointInterval(200*time.Millisecond))
	must(err)
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 10*time.Millisecond)

	each := n / threads
	took := make([]time.Duration, each*threads)
	var wg sync.WaitGroup
	began := time.Now()
	for t := 0; t < threads; t++ {
		wg.Add(1)
		go func(t int) {
			defer wg.Done()
			for i := 0; i < each; i++ {
				start := time.Now()
				_, _, err := awaiter.Await(ctx, appender.Add(ctx, tessera.NewEntry(entry(t, i))))
				must(err)
				took[t*each+i] = time.Since(start)
			}
		}(t)
	}
	wg.Wait()
	seconds := time.Since(began).Seconds()
	must(shutdown(ctx))
	sort.Slice(took, func(a, b int) bool { return took[a] < took[b] })
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }
	must(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"events": len(took), "waiting": threads, "seconds": seconds,
		"per_second": float64(len(took)) / seconds,
		"p50_ms":     ms(took[len(took)/2]), "p99_ms": ms(took[len(took)*99/100]),
		"max_ms": ms(took[len(took)-1]),
	}))
}
