// Command tlog checks a running log with Go's own tools for transparency logs:
// golang.org/x/mod/sumdb for notes, tiles and proofs, and Tessera's fsck for everything at once,
// over HTTP and over an export.
//
//	tlog URL VERIFIER_KEY LEDGER PARTY KEY_ID KEY_FILE EXPORT
package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	address, vkey, export := os.Args[1], os.Args[2], os.Args[7]
	root, err := url.Parse(address + "/")
	must(err)
	http, err := client.NewHTTPFetcher(root, nil)
	must(err)
	http.SetAuthorizationHeader("Bearer " + token(os.Args[3], os.Args[4], os.Args[5], os.Args[6]))
	verifier, err := note.NewVerifier(vkey)
	must(err)
	size := proofs(http, verifier)
	for _, from := range []fsck.Fetcher{http, client.FileFetcher{Root: export}} {
		check := fsck.New(verifier.Name(), verifier, from, leafHashes, fsck.Opts{N: 2})
		must(check.Check(context.Background()))
	}
	fmt.Printf("go: %d entries proved from tiles, fsck finds nothing over HTTP and in the export\n", size)
}

// proofs opens the checkpoint, proves every entry and every older size from tiles, and returns
// the size.
func proofs(from *client.HTTPFetcher, verifier note.Verifier) int64 {
	text, err := from.ReadCheckpoint(context.Background())
	must(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	must(err)
	hash, err := tlog.ParseHash(lines[2])
	must(err)
	tree := tlog.Tree{N: size, Hash: hash}
	hashes := tlog.TileHashReader(tree, tiles{from})
	for bundle := int64(0); bundle*256 < size; bundle++ {
		width := min(256, size-bundle*256)
		bytes, err := from.ReadEntryBundle(context.Background(), uint64(bundle), uint8(width))
		must(err)
		var entries api.EntryBundle
		must(entries.UnmarshalText(bytes))
		if int64(len(entries.Entries)) != width {
			fail("bundle %d has %d entries, not %d", bundle, len(entries.Entries), width)
		}
		for at, entry := range entries.Entries {
			index := bundle*256 + int64(at)
			proof, err := tlog.ProveRecord(size, index, hashes)
			must(err)
			must(tlog.CheckRecord(proof, size, hash, index, tlog.RecordHash(entry)))
		}
	}
	for old := int64(1); old <= size; old++ {
		root, err := tlog.TreeHash(old, hashes)
		must(err)
		proof, err := tlog.ProveTree(size, old, hashes)
		must(err)
		must(tlog.CheckTree(proof, size, hash, old, root))
	}
	return size
}

// tiles fetches the tiles of sumdb/tlog, which have the same content under other paths.
type tiles struct{ from *client.HTTPFetcher }

func (tiles) Height() int { return 8 }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		level, number := uint64(tile.L), uint64(tile.N)
		bytes, err := t.from.ReadTile(context.Background(), level, number, uint8(tile.W))
		if err != nil {
			return nil, err
		}
		all = append(all, bytes)
	}
	return all, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func leafHashes(bundle []byte) ([][]byte, error) {
	var entries api.EntryBundle
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range entries.Entries {
		hash := tlog.RecordHash(entry)
		hashes = append(hashes, hash[:])
	}
	return hashes, nil
}

// token makes a bearer token, as docs/client.md says.
func token(ledger, party, keyID, keyFile string) string {
	text, err := os.ReadFile(keyFile)
	must(err)
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	must(err)
	encode := func(part any) string {
		bytes, err := json.Marshal(part)
		must(err)
		return base64.RawURLEncoding.EncodeToString(bytes)
	}
	now := time.Now().Unix()
	signed := encode(map[string]any{"alg": "EdDSA", "typ": "JWT", "kid": keyID}) + "." +
		encode(map[string]any{"iss": party, "aud": ledger, "iat": now, "exp": now + 300})
	signature, err := key.(ed25519.PrivateKey).Sign(nil, []byte(signed), crypto.Hash(0))
	must(err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "go: "+format+"\n", arguments...)
	os.Exit(1)
}
