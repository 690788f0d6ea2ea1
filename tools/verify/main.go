// Command verify checks a Weighhouse register from the outside, with the Go
// team's own transparency log code (golang.org/x/mod/sumdb) and nothing of
// Weighhouse: the signature of the checkpoint, every entry of every bundle,
// every tile up to the signed root, and that the log continues the checkpoint
// seen last time.
//
//	verify -vkey KEY [-state FILE] [-proofs N] URL|DIR
//
// KEY is the log's verifier key or a file that holds it. URL is the register's
// prefix (http://host:port/register), DIR a folder with checkpoint and tile/.
// With -proofs, N receipts spread over the log are fetched (URL only) and
// checked too. Exit codes: 0 good, 1 rolled back or forked, 2 usage, 3 does not
// verify, 4 could not be read.
package main

import (
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height     = 8
	width      = 1 << height
	maxFile    = width * (2 + 65535)
	exitForked = 1
	exitUsage  = 2
	exitBad    = 3
	exitIO     = 4
)

// A failure with the exit code that it means.
type failure struct {
	code int
	err  error
}

func (f failure) Error() string { return f.err.Error() }

func fail(code int, format string, args ...any) error {
	return failure{code, fmt.Errorf(format, args...)}
}

// A source gives published files by name.
type source func(name string) ([]byte, error)

func dirSource(dir string) source {
	return func(name string) ([]byte, error) {
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if errors.Is(err, os.ErrNotExist) {
			return nil, fail(exitBad, "%s is missing", name)
		}
		if err != nil {
			return nil, fail(exitIO, "%v", err)
		}
		return b, nil
	}
}

func httpSource(prefix string) source {
	client := &http.Client{Timeout: 30 * time.Second}
	return func(name string) ([]byte, error) {
		resp, err := client.Get(strings.TrimSuffix(prefix, "/") + "/" + name)
		if err != nil {
			return nil, fail(exitIO, "%v", err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxFile+1))
		if err != nil {
			return nil, fail(exitIO, "%s: %v", name, err)
		}
		if resp.StatusCode == http.StatusNotFound {
			return nil, fail(exitBad, "%s is missing", name)
		}
		if resp.StatusCode != http.StatusOK || len(b) > maxFile {
			return nil, fail(exitIO, "%s: %s", name, resp.Status)
		}
		return b, nil
	}
}

// tiles reads tlog-tiles resources for x/mod, which names them differently.
type tiles struct {
	get  source
	kept map[string][]byte
}

func (t *tiles) Height() int                            { return height }
func (t *tiles) SaveTiles(list []tlog.Tile, _ [][]byte) {}

func (t *tiles) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, tile := range list {
		name := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		if t.kept[name] == nil {
			b, err := t.get(name)
			if err != nil {
				return nil, err
			}
			if len(b) != tile.W*tlog.HashSize {
				return nil, fail(exitBad, "%s has the wrong length", name)
			}
			t.kept[name] = b
		}
		out[i] = t.kept[name]
	}
	return out, nil
}

// openCheckpoint verifies a signed checkpoint and reads its three lines.
func openCheckpoint(msg []byte, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	n, err := note.Open(msg, note.VerifierList(verifier))
	if err != nil {
		return tree, fail(exitBad, "checkpoint: %v", err)
	}
	// one spelling only: Go's decoder forgives loose bits at the end
	for _, sig := range n.Sigs {
		if _, err := base64.StdEncoding.Strict().DecodeString(sig.Base64); err != nil {
			return tree, fail(exitBad, "checkpoint: signature: %v", err)
		}
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return tree, fail(exitBad, "checkpoint: malformed")
	}
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || tree.N < 0 || strconv.FormatInt(tree.N, 10) != lines[1] {
		return tree, fail(exitBad, "checkpoint: malformed size")
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fail(exitBad, "checkpoint: malformed root")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

// bundlePath names a bundle the tlog-tiles way.
func bundlePath(index int64, w int) string {
	t := tlog.Tile{H: height, L: -1, N: index, W: w}
	return "tile/entries/" + strings.TrimPrefix(t.Path(), "tile/8/data/")
}

func splitBundle(b []byte, w int) ([][]byte, error) {
	var out [][]byte
	for len(b) >= 2 && len(out) < w {
		n := int(b[0])<<8 | int(b[1])
		if len(b) < 2+n {
			break
		}
		out = append(out, b[2:2+n])
		b = b[2+n:]
	}
	if len(out) != w || len(b) != 0 {
		return nil, errors.New("does not hold the entries it should")
	}
	return out, nil
}

// checkEntries hashes every entry and compares with the authenticated tiles.
func checkEntries(get source, tree tlog.Tree, hashes tlog.HashReader) error {
	for first := int64(0); first < tree.N; first += width {
		w := width
		if tree.N-first < width {
			w = int(tree.N - first)
		}
		name := bundlePath(first/width, w)
		b, err := get(name)
		if err != nil {
			return err
		}
		entries, err := splitBundle(b, w)
		if err != nil {
			return fail(exitBad, "%s: %v", name, err)
		}
		var at []int64
		for i := range entries {
			at = append(at, tlog.StoredHashIndex(0, first+int64(i)))
		}
		want, err := hashes.ReadHashes(at)
		if err != nil {
			return asBad(err)
		}
		for i, e := range entries {
			if tlog.RecordHash(e) != want[i] {
				return fail(exitBad, "entry %d does not match the tree", first+int64(i))
			}
		}
	}
	return nil
}

// asBad keeps the code of our own failures; those of x/mod mean "not verified".
func asBad(err error) error {
	var f failure
	if errors.As(err, &f) {
		return f
	}
	return fail(exitBad, "%v", err)
}

// checkHistory compares with the checkpoint that was accepted last time.
func checkHistory(state string, verifier note.Verifier, tree tlog.Tree, hashes tlog.HashReader) error {
	old, err := os.ReadFile(state)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fail(exitIO, "%v", err)
	}
	before, err := openCheckpoint(old, verifier)
	if err != nil {
		return err
	}
	if tree.N < before.N {
		return fail(exitForked, "ROLLED BACK: %d entries now, %d were seen", tree.N, before.N)
	}
	if before.N == 0 {
		return nil
	}
	proof, err := tlog.ProveTree(tree.N, before.N, hashes)
	if err != nil {
		return asBad(err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
		return fail(exitForked, "FORKED: size %d is no continuation of size %d seen before", tree.N, before.N)
	}
	return nil
}

// checkReceipt verifies a tlog-proof for one entry.
func checkReceipt(get source, verifier note.Verifier, index int64) error {
	name := fmt.Sprintf("proof/%d", index)
	b, err := get(name)
	if err != nil {
		return err
	}
	head, checkpoint, ok := strings.Cut(string(b), "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", index) {
		return fail(exitBad, "%s: malformed", name)
	}
	tree, err := openCheckpoint([]byte(checkpoint), verifier)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		var h tlog.Hash
		raw, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			return fail(exitBad, "%s: malformed", name)
		}
		copy(h[:], raw)
		proof = append(proof, h)
	}
	w := width
	if first := index - index%width; tree.N-first < width {
		w = int(tree.N - first)
	}
	b, err = get(bundlePath(index/width, w))
	if err != nil {
		return err
	}
	entries, err := splitBundle(b, w)
	if err != nil {
		return fail(exitBad, "%s: %v", bundlePath(index/width, w), err)
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entries[index%width])); err != nil {
		return fail(exitBad, "%s: %v", name, err)
	}
	return nil
}

func keep(state string, msg []byte) error {
	tmp := state + ".new"
	if err := os.WriteFile(tmp, msg, 0o600); err != nil {
		return fail(exitIO, "%v", err)
	}
	if err := os.Rename(tmp, state); err != nil {
		return fail(exitIO, "%v", err)
	}
	return nil
}

func run(vkey, state, where string, proofs int64) error {
	if b, err := os.ReadFile(vkey); err == nil {
		vkey = string(b)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(vkey))
	if err != nil {
		return fail(exitUsage, "-vkey: %v", err)
	}
	get := dirSource(where)
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		get = httpSource(where)
	} else if proofs > 0 {
		return fail(exitUsage, "-proofs needs a URL")
	}
	msg, err := get("checkpoint")
	if err != nil {
		return err
	}
	tree, err := openCheckpoint(msg, verifier)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, &tiles{get, map[string][]byte{}})
	if state != "" {
		if err := checkHistory(state, verifier, tree, hashes); err != nil {
			return err
		}
	}
	if err := checkEntries(get, tree, hashes); err != nil {
		return err
	}
	for i := int64(0); i < proofs && i < tree.N; i++ {
		if err := checkReceipt(get, verifier, i*(tree.N-1)/max64(proofs-1, 1)); err != nil {
			return err
		}
	}
	if state != "" {
		if err := keep(state, msg); err != nil {
			return err
		}
	}
	fmt.Printf("good: %s size %d root %s\n", verifier.Name(), tree.N, tree.Hash)
	return nil
}

func max64(a, b int64) int64 {
	if a > b {
		return a
	}
	return b
}

func main() {
	vkey := flag.String("vkey", "", "the log's verifier key, or a file that holds it")
	state := flag.String("state", "", "file that keeps the last checkpoint")
	proofs := flag.Int64("proofs", 0, "receipts to fetch and check")
	flag.Parse()
	if flag.NArg() != 1 || *vkey == "" {
		fmt.Fprintln(os.Stderr, "usage: verify -vkey KEY [-state FILE] [-proofs N] URL|DIR")
		os.Exit(exitUsage)
	}
	if err := run(*vkey, *state, flag.Arg(0), *proofs); err != nil {
		fmt.Fprintln(os.Stderr, "bad:", err)
		var f failure
		if errors.As(err, &f) {
			os.Exit(f.code)
		}
		os.Exit(exitBad)
	}
}
