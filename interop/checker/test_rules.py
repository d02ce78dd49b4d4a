"""test_rules.py PAGE: the log of three entries that docs/format.md works out is verified, and of a
log made here every entry that breaks a rule is refused, with the reason."""

import re
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from check import check_checkpoints, replay
from entries import hash_of, read_entry
from fenrun.v1 import charter_commands_pb2, command_pb2, contribution_commands_pb2
from fenrun.v1 import party_commands_pb2
from notes import APPLICATION, COMMAND, L, POSSESSION, Wrong, dsse, read_checkpoint
from notes import read_verifier_key, verify
from rules import Rules

NOW = 1_800_000_000
KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)
    for n, name in enumerate(("operator", "log", "school", "second", "third", "stranger"), 1)
}
PUBLIC = {name: key.public_key().public_bytes_raw() for name, key in KEYS.items()}


def from_page(page):
    text = Path(page).read_text(encoding="utf-8")
    block = lambda title: re.search(rf"```text\n{title}[^\n]*\n(.*?)```", text, re.DOTALL)[1]
    leaves = [bytes.fromhex("".join(block(f"entry {n}: leaf").split())) for n in range(3)]
    origin, key = read_verifier_key(block("verifier key").strip())
    entries = [read_entry(leaf, n, 0) for n, leaf in enumerate(leaves)]
    rules = Rules()
    rules.apply(entries[0])
    assert (rules.origin, rules.log_keys) == (origin, [(1, key)])
    # Entry 1 shows bytes: an upgrade to the version in force, which the rules refuse.
    rules.apply(entries[2])
    notes = [
        read_checkpoint(block(f"checkpoint note at size {n}").encode(), f"note {n}")
        for n in range(1, 4)
    ]
    check_checkpoints([(f"note {n.size}", n, n.size - 1) for n in notes], rules, leaves)


class Log:
    def __init__(self):
        self.leaves, self.nonce, self.ledger = [], 0, b""

    def sign(self, actor, key, **action):
        """A leaf; what needs a possession gets it of the key that it names."""
        self.nonce += 1
        command = command_pb2.Command(
            ledger=self.ledger, actor=actor, nonce=self.nonce.to_bytes(16, "big"), **action
        )
        if not command.HasField("created_at"):
            command.created_at.seconds = NOW
        data = command.SerializeToString(deterministic=True)
        return (
            b"\1"
            + (NOW * 1000).to_bytes(8, "big")
            + PUBLIC[key]
            + KEYS[key].sign(dsse(COMMAND, data))
            + data
        )

    def possession(self, who, key):
        said = charter_commands_pb2.Possession(
            ledger=self.ledger,
            party_or_origin=who,
            public_key=PUBLIC[key],
            nonce=(self.nonce + 1).to_bytes(16, "big"),
        )
        return KEYS[key].sign(dsse(POSSESSION, said.SerializeToString(deterministic=True)))

    def found(self):
        self.leaves.append(
            self.sign(
                "operator",
                "operator",
                found=charter_commands_pb2.Found(
                    origin="log.example/test",
                    operator="operator",
                    operator_key=PUBLIC["operator"],
                    log_key=PUBLIC["log"],
                    log_key_possession=self.possession("log.example/test", "log"),
                    rules_version=1,
                    time_window_ms=600_000,
                    terms_hash=bytes(32),
                ),
            )
        )
        self.ledger = hash_of(self.leaves[0][105:])

    def admit(self, key="school"):
        said = party_commands_pb2.Application(
            ledger=self.ledger,
            name="school",
            roles=[2],
            public_key=PUBLIC[key],
            terms_hash=bytes(32),
        ).SerializeToString(deterministic=True)
        return self.sign(
            "operator",
            "operator",
            admit_party=party_commands_pb2.AdmitParty(
                application=said, signature=KEYS["school"].sign(dsse(APPLICATION, said))
            ),
        )

    def record(self, actor="school", key="second", **more):
        return self.sign(
            actor,
            key,
            record_contribution=contribution_commands_pb2.RecordContribution(
                dataset="digits", version=1, kind=1, content_hash=bytes([7]) * 32
            ),
            **more,
        )

    def rotate(self, key, new_key, holder=None):
        return self.sign(
            "school",
            key,
            rotate_key=party_commands_pb2.RotateKey(
                new_key=PUBLIC[new_key], possession=self.possession("school", holder or new_key)
            ),
        )


def refused(log, leaf, reason):
    try:
        replay([*log.leaves, leaf], None, "log.example/test", PUBLIC["log"])
    except Wrong as wrong:
        if f"entry {len(log.leaves)}" in str(wrong) and reason in str(wrong):
            return
        sys.exit(f"refused, but not because of {reason!r}: {wrong}")
    sys.exit(f"not refused, expected {reason!r}")


def made_here():
    log = Log()
    log.found()
    refused(log, log.admit(key="third"), "has not signed the application")
    log.leaves.append(log.admit())
    refused(log, log.admit(), "taken")
    refused(log, log.rotate("school", "second", holder="third"), "not signed its possession")
    refused(log, log.rotate("school", "log"), "has served before")
    log.leaves += [log.record(key="school"), log.rotate("school", "second")]
    refused(log, log.record(key="school"), "had ended before")
    refused(log, log.record(key="stranger"), "nobody's")
    refused(log, log.record(actor="operator"), "the key is school's")
    refused(log, log.record(actor="operator", key="operator"), "no role")
    freeze = {"freeze_period": {"pool": "solar", "period": "2026-10"}}
    refused(log, log.sign("school", "second", **freeze), "no role")
    refused(log, log.record(created_at={"seconds": NOW - 601}), "601000 ms away")
    refused(log, log.leaves[2], "the same command as entry 2")
    end = lambda name: {"revoke_key": party_commands_pb2.RevokeKey(public_key=PUBLIC[name])}
    refused(log, log.sign("school", "second", **end("operator")), "ends a key of operator")
    refused(log, log.sign("operator", "operator", **end("operator")), "the last key")
    log.leaves.append(log.sign("operator", "operator", **end("second")))
    refused(log, log.record(), "had ended before")
    changed = bytearray(log.record())
    changed[-1] ^= 1
    refused(log, bytes(changed), "signature")


def strict():
    """Signatures that many libraries take and the strict rule does not."""
    message, key = b"anything", PUBLIC["school"]
    signature = KEYS["school"].sign(message)
    assert verify(key, signature, message)
    larger = int.from_bytes(signature[32:], "little") + L
    assert not verify(key, signature[:32] + larger.to_bytes(32, "little"), message)
    # The neutral point as key and as R: with S = 0 the equation holds for every message.
    neutral = (1).to_bytes(32, "little")
    assert not verify(neutral, neutral + bytes(32), message)
    assert not verify(key, neutral + signature[32:], message)


from_page(sys.argv[1])
made_here()
strict()
print("rules: the log of docs/format.md verified, 15 broken rules found")
