package main

import (
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const (
	vkey       = "weighhouse.example/log+c25c1109+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
	checkpoint = "weighhouse.example/log\n70000\nkrbUDg0+GSpldi5DXuWEgRrhc1yFSHqChNMBRFrjHtI=\n\n" +
		"\u2014 weighhouse.example/log wlwRCfbfB+8BEyQYwGiCE4veEmtvGy+67tsmEl+l2BtlJcD+ov8DNJiFLQ8vcIVIk9VTnhd12OBKfYpxVrpc8TZovg4=\n"
)

func TestPublishedCheckpoint(t *testing.T) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := openCheckpoint([]byte(checkpoint), verifier)
	if err != nil || tree.N != 70000 {
		t.Fatalf("%v %v", tree, err)
	}
	for i := range checkpoint {
		bad := []byte(checkpoint)
		bad[i] ^= 1
		if _, err := openCheckpoint(bad, verifier); err == nil {
			t.Errorf("byte %d may be changed", i)
		}
	}
}

func TestBundlePaths(t *testing.T) {
	for want, c := range map[string]struct {
		index int64
		w     int
	}{
		"tile/entries/000":               {0, 256},
		"tile/entries/273.p/112":         {273, 112},
		"tile/entries/x001/x234/067":     {1234067, 256},
		"tile/entries/x001/x000/000.p/1": {1000000, 1},
	} {
		if got := bundlePath(c.index, c.w); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestBundles(t *testing.T) {
	good := "\x00\x01a\x00\x00\x00\x02bc"
	entries, err := splitBundle([]byte(good), 3)
	if err != nil || string(entries[2]) != "bc" {
		t.Fatal(entries, err)
	}
	for _, bad := range []string{"", good[:len(good)-1], good + "x", good + "\x00\x00", strings.Repeat("\xff", 9)} {
		if _, err := splitBundle([]byte(bad), 3); err == nil {
			t.Errorf("%q is no bundle of three", bad)
		}
	}
}
