// Command interop writes every command of the vectors with Go's protobuf library and compares
// the bytes: `interop commands.json`.
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	fenrunv1 "fenrun.example/interop/stubs/fenrun/v1"
)

type vector struct {
	Action string          `json:"action"`
	JSON   json.RawMessage `json:"json"`
	Hex    string          `json:"hex"`
}

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail("%v", err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		fail("%v", err)
	}
	for number, vector := range vectors {
		if err := check(vector); err != nil {
			fail("vector %d, %s: %v", number, vector.Action, err)
		}
	}
	fmt.Printf("go: %d commands written alike\n", len(vectors))
}

// check writes a command from its JSON and from its own bytes.
func check(vector vector) error {
	expected, err := hex.DecodeString(vector.Hex)
	if err != nil {
		return err
	}
	var fromJSON, fromBytes fenrunv1.Command
	if err := protojson.Unmarshal(vector.JSON, &fromJSON); err != nil {
		return err
	}
	if err := proto.Unmarshal(expected, &fromBytes); err != nil {
		return err
	}
	for _, message := range []proto.Message{&fromJSON, &fromBytes} {
		written, err := proto.Marshal(message)
		if err != nil {
			return err
		}
		if !bytes.Equal(written, expected) {
			return fmt.Errorf("wrote %x, not %x", written, expected)
		}
	}
	return nil
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "go: "+format+"\n", arguments...)
	os.Exit(1)
}
