"""Who may sign what: parties, keys and roles, replayed from docs/rules.md and the protos."""

import re
from dataclasses import dataclass, field

from entries import canonical_message
from fenrun.v1 import charter_commands_pb2, party_commands_pb2
from notes import APPLICATION, POSSESSION, dsse, verify

OPERATOR, PROVIDER, PAYER, EVALUATOR, AUDITOR, SERVICE = 1, 2, 3, 4, 5, 6
NAME = re.compile(r"[a-z][a-z0-9-]{1,38}")
# The table "Who may ask for what" of docs/rules.md; None stands for every party.
MAY = {
    "rotate_key": None,
    "revoke_key": None,
    "record_contribution": {PROVIDER},
    "record_contributions": {PROVIDER},
    "withdraw_contribution": {PROVIDER},
    "grant_use": {PROVIDER},
    "revoke_use": {PROVIDER},
    "claim_cost": {PROVIDER},
    "declare_use": {PAYER},
    "post_revenue": {PAYER, OPERATOR},
    "import_weights": {EVALUATOR},
    "commit_reveal": {PAYER, EVALUATOR, AUDITOR},
    "finish_valuation": {SERVICE},
}
BY_OPERATOR = {
    "amend_charter",
    "upgrade",
    "admit_party",
    "replace_key",
    "publish_policy",
    "open_pool",
    "approve_cost",
    "start_valuation",
    "freeze_period",
    "settle",
    "issue_payout",
    "settle_payout",
    "fail_payout",
}
MAY.update(dict.fromkeys(BY_OPERATOR, {OPERATOR}))


@dataclass
class Party:
    name: str
    owner: str
    roles: set
    key: bytes | None
    ended: set = field(default_factory=set)


class Rules:
    """Takes entries in their order; `log_keys` says from which size on which key signs the log."""

    def __init__(self):
        self.parties, self.key_party, self.log_keys, self.seen = {}, {}, [], {}
        self.ledger = self.origin = self.terms = self.window_ms = None

    def apply(self, entry):
        command = entry.command
        if entry.index == 0:
            return self.found(entry)
        if entry.kind == "found":
            raise entry.wrong("only entry 0 founds a ledger")
        party = self.key_party.get(entry.key)
        if party is None:
            raise entry.wrong(f"signed by the key {entry.key.hex()}, which is nobody's")
        if command.ledger != self.ledger:
            raise entry.wrong(f"for the ledger {command.ledger.hex()}")
        if command.actor != party.name:
            raise entry.wrong(f"the actor is {command.actor}, but the key is {party.name}'s")
        if entry.command_id in self.seen:
            raise entry.wrong(f"the same command as entry {self.seen[entry.command_id]}")
        if entry.key != party.key:
            raise entry.wrong(f"{party.name}'s key {entry.key.hex()} had ended before")
        self.check_time(entry)
        if MAY[entry.kind] is not None and not MAY[entry.kind] & party.roles:
            raise entry.wrong(f"{party.name} has no role that may do this")
        self.seen[entry.command_id] = entry.index
        if act := getattr(self, entry.kind, None):
            act(entry, party, entry.action)

    def check_time(self, entry):
        if len(entry.command.nonce) != 16:
            raise entry.wrong(f"a nonce of {len(entry.command.nonce)} bytes")
        if not entry.command.HasField("created_at"):
            raise entry.wrong("created_at is missing")
        away = abs(entry.command.created_at.ToNanoseconds() // 1_000_000 - entry.recorded_ms)
        if away > self.window_ms:
            raise entry.wrong(
                f"created {away} ms away from when it was recorded; {self.window_ms} are allowed"
            )

    def check_possession(self, entry, ledger, who, key, signature):
        said = charter_commands_pb2.Possession(
            ledger=ledger, party_or_origin=who, public_key=key, nonce=entry.command.nonce
        )
        if not verify(key, signature, dsse(POSSESSION, said.SerializeToString(deterministic=True))):
            raise entry.wrong("the new key has not signed its possession")

    def take_key(self, entry, key, party):
        if key in self.key_party or any(key == log_key for _, log_key in self.log_keys):
            raise entry.wrong(f"the key {key.hex()} has served before")
        if party.key is not None:
            party.ended.add(party.key)
        self.key_party[key], party.key = party, key

    def found(self, entry):
        found, command = entry.action, entry.command
        if entry.kind != "found":
            raise entry.wrong("entry 0 founds no ledger")
        if command.ledger or command.actor != found.operator or entry.key != found.operator_key:
            raise entry.wrong("ledger, actor or key are not as a founding has them")
        if found.rules_version != 1 or found.approvals:
            raise entry.wrong("rules that this checker does not know")
        self.window_ms, self.terms, self.origin = (
            found.time_window_ms,
            found.terms_hash,
            found.origin,
        )
        self.check_time(entry)
        self.check_possession(entry, b"", found.origin, found.log_key, found.log_key_possession)
        operator = Party(found.operator, found.operator, {OPERATOR}, None)
        self.parties[found.operator], self.ledger = operator, entry.command_id
        self.log_keys.append((1, found.log_key))
        self.take_key(entry, found.operator_key, operator)
        self.seen[entry.command_id] = 0

    def amend_charter(self, entry, _, amend):
        self.window_ms = amend.time_window_ms
        if amend.log_key:
            self.check_possession(
                entry, self.ledger, self.origin, amend.log_key, amend.log_key_possession
            )
            if amend.log_key in self.key_party or amend.log_key in [
                key for _, key in self.log_keys
            ]:
                raise entry.wrong("the log's new key has served before")
            self.log_keys.append((entry.index + 1, amend.log_key))

    def upgrade(self, entry, _, upgrade):
        raise entry.wrong(
            f"rules version {upgrade.rules_version}, which this checker does not know"
        )

    def admit_party(self, entry, _, admit):
        said = canonical_message(
            party_commands_pb2.Application, admit.application, f"entry {entry.index}"
        )
        if not verify(said.public_key, admit.signature, dsse(APPLICATION, admit.application)):
            raise entry.wrong("the applicant has not signed the application")
        if said.ledger != self.ledger or said.terms_hash != self.terms:
            raise entry.wrong("the application is for another ledger or other terms")
        roles = list(said.roles)
        if not roles or roles != sorted(set(roles)) or not set(roles) <= set(range(1, 7)):
            raise entry.wrong(f"the roles {roles}")
        if not NAME.fullmatch(said.name) or said.name in self.parties:
            raise entry.wrong(f"the name {said.name} is taken or none")
        owner = admit.beneficial_owner or said.name
        if not NAME.fullmatch(owner):
            raise entry.wrong(f"the owner {owner}")
        named = {party.owner for party in self.parties.values()}
        if owner != said.name and (
            said.name in named or owner in self.parties and self.parties[owner].owner != owner
        ):
            raise entry.wrong(f"owners chain: {said.name} behind {owner}")
        party = Party(said.name, owner, set(roles), None)
        self.take_key(entry, said.public_key, party)
        self.parties[said.name] = party

    def rotate_key(self, entry, party, rotate):
        self.check_possession(entry, self.ledger, party.name, rotate.new_key, rotate.possession)
        self.take_key(entry, rotate.new_key, party)

    def revoke_key(self, entry, actor, revoke):
        holder = self.key_party.get(revoke.public_key)
        if holder is None or holder.key != revoke.public_key:
            raise entry.wrong("the key is nobody's or has ended")
        if holder is not actor and OPERATOR not in actor.roles:
            raise entry.wrong(f"{actor.name} ends a key of {holder.name}")
        others = [
            p for p in self.parties.values() if p is not holder and OPERATOR in p.roles and p.key
        ]
        if OPERATOR in holder.roles and not others:
            raise entry.wrong("the last key of an operator")
        if revoke.HasField("suspect_from") and revoke.suspect_from > entry.index:
            raise entry.wrong(f"suspect_from is {revoke.suspect_from}")
        holder.ended.add(holder.key)
        holder.key = None

    def replace_key(self, entry, _, replace):
        party = self.parties.get(replace.party)
        if party is None:
            raise entry.wrong(f"there is no party {replace.party}")
        self.check_possession(entry, self.ledger, party.name, replace.new_key, replace.possession)
        self.take_key(entry, replace.new_key, party)
