"""client.py apply ADDRESS SEED TERMS_FILE: prints an application for the operator to admit.
client.py run ADDRESS SEED VERIFIER_KEY FILE PERIOD: uploads, records, verifies, reads."""
import base64, hashlib, json, os, struct, sys, time

import blake3, grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from fenrun.v1 import (
    blob_service_pb2 as blobs, blob_service_pb2_grpc, command_pb2,
    contribution_commands_pb2 as data, ledger_service_pb2 as ledgers, ledger_service_pb2_grpc,
    party_commands_pb2 as parties, settlement_service_pb2 as settlements,
    settlement_service_pb2_grpc, values_pb2 as values)

NAME, (verb, address, seed) = "python-school", sys.argv[1:4]
key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
public = key.public_key().public_bytes_raw()
channel = grpc.insecure_channel(address)
ledger_service = ledger_service_pb2_grpc.LedgerServiceStub(channel)
ledger = ledger_service.GetLedger(ledgers.GetLedgerRequest()).ledger_id

def sign(kind, payload):
    kind = f"application/vnd.fenrun.{kind}.v1+protobuf"
    return key.sign(f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload)

def token():
    encode = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=")
    kid, now = blake3.blake3(public).hexdigest(), int(time.time())
    claims = {"iss": NAME, "aud": ledger.hex(), "iat": now, "exp": now + 300}
    head = {"alg": "EdDSA", "typ": "JWT", "kid": kid}
    signed = b".".join(encode(json.dumps(part).encode()) for part in (head, claims))
    return [("authorization", b"Bearer " + signed + b"." + encode(key.sign(signed)))]

def verify(command, receipt, verifier_key):
    head = struct.pack(">BQ", 1, receipt.recorded_at.ToMilliseconds())
    leaf = head + receipt.public_key + receipt.signature + command
    text, signatures = receipt.checkpoint.split("\n\n", 1)
    _, size, root = text.split("\n")
    node, index, last = hashlib.sha256(b"\0" + leaf).digest(), receipt.index, int(size) - 1
    for sibling in receipt.inclusion_proof:  # RFC 9162, section 2.1.3.2
        right = index & 1 or index == last
        while right and index and not index & 1:
            index, last = index >> 1, last >> 1
        pair = sibling + node if right else node + sibling
        node, index, last = hashlib.sha256(b"\1" + pair).digest(), index >> 1, last >> 1
    assert last == 0 and node == base64.b64decode(root), "the proof does not lead to the root"
    name, _, pinned = verifier_key.split("+", 2)
    line = next(line for line in signatures.split("\n") if line.startswith(f"— {name} "))
    log_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(pinned)[1:])
    log_key.verify(base64.b64decode(line.split(" ")[2])[4:], (text + "\n").encode())

if verb == "apply":
    terms = blake3.blake3(open(sys.argv[4], "rb").read()).digest()
    application = parties.Application(ledger=ledger, name=NAME, roles=[values.ROLE_PROVIDER],
                                      public_key=public, terms_hash=terms).SerializeToString()
    signature = sign("application", application).hex()
    sys.exit(print(json.dumps({"application": application.hex(), "signature": signature})))
verifier_key, path, period = sys.argv[4:7]
content = open(path, "rb").read()
content_hash, size = blake3.blake3(content).digest(), len(content)
upload = [blobs.PutRequest(header=blobs.PutHeader(hash=content_hash, size=size))]
upload += [blobs.PutRequest(chunk=content[at:at + 65536]) for at in range(0, size, 65536)]
blob_service_pb2_grpc.BlobServiceStub(channel).Put(iter(upload), metadata=token())
terms = data.ContributionTerms(pools=data.POOL_CONSENT_ANY, licence_spdx="CC-BY-4.0",
                               derivation=data.DERIVATION_CONSENT_FREE)

def recording(version):
    record = data.RecordContribution(
        dataset="digits", version=version, kind=data.CONTRIBUTION_KIND_ORIGINAL,
        content_hash=content_hash, content_bytes=size, terms=terms)
    message = command_pb2.Command(ledger=ledger, actor=NAME, nonce=os.urandom(16),
                                  record_contribution=record)
    message.created_at.FromMilliseconds(int(time.time() * 1000))
    command = message.SerializeToString()
    signed = command_pb2.SignedCommand(command=command, public_key=public,
                                       signature=sign("command", command))
    return command, ledgers.SubmitRequest(signed_command=signed)

command, request = recording(1)
receipts = [ledger_service.Submit(request).receipt for _ in range(2)]
assert receipts[0].index == receipts[1].index, "sent again, a command keeps its place"
[verify(command, receipt, verifier_key) for receipt in receipts]
# More than one tile, for the tools of transparency logs that come after.
more = [ledger_service.Submit.future(recording(version)[1]) for version in range(2, 302)]
assert all(answer.result().receipt.index for answer in more)
request = settlements.GetStatementRequest(party=NAME, period=period)
service = settlement_service_pb2_grpc.SettlementServiceStub(channel)
statement = service.GetStatement(request, metadata=token()).statement
print(f"python: entry {receipts[0].index} proved, statement of {statement.party} read")
