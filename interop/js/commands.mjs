// Writes every command of the vectors with protobuf-es and compares the bytes:
// `node commands.mjs commands.json`.
import { readFileSync } from "node:fs";
import { fromBinary, fromJson, toBinary } from "@bufbuild/protobuf";
import { CommandSchema } from "./stubs/fenrun/v1/command_pb.js";

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const [number, { action, json, hex }] of vectors.entries()) {
  const commands = [
    fromJson(CommandSchema, json),
    fromBinary(CommandSchema, Buffer.from(hex, "hex")),
  ];
  for (const command of commands) {
    const written = Buffer.from(toBinary(CommandSchema, command)).toString("hex");
    if (written !== hex) {
      console.error(`js: vector ${number}, ${action}: wrote ${written}, not ${hex}`);
      process.exit(1);
    }
  }
}
console.log(`js: ${vectors.length} commands written alike`);
