"""What can be paid out, and what became of it: docs/rules.md, "Payouts"."""

from entries import thing_id

DAY_MS = 86_400_000


class Payouts:
    """The part of the ledger about payouts; amounts by party and currency."""

    def __init__(self):
        self.payable, self.waiting, self.payouts = {}, {}, {}
        self.orders, self.bank = set(), set()

    def becomes_payable(self, entry, party, currency, amount, days):
        at = party, currency
        self.payable[at] = self.payable.get(at, 0) + amount
        self.waiting.setdefault(at, []).append((entry.recorded_ms + days * DAY_MS, amount))

    def issue_payout(self, entry, issue):
        amount = issue.amount.minor_units
        at = issue.party, issue.amount.currency_code
        if issue.party not in self.rules.parties:
            raise entry.wrong(f"there is no party {issue.party}")
        held = sum(x for since, x in self.waiting.get(at, ()) if entry.recorded_ms < since)
        free = self.payable.get(at, 0) - held
        if not 0 < amount <= free:
            raise entry.wrong(f"{amount} is paid of {free} that can be paid to {issue.party}")
        if issue.reference in self.orders:
            raise entry.wrong(f"the reference {issue.reference} stands twice")
        self.orders.add(issue.reference)
        self.payable[at] -= amount
        self.payouts[thing_id(entry.command_id, 0)] = {"at": at, "amount": amount, "ended": False}

    def pending(self, entry, payout):
        found = self.payouts.get(payout)
        if found is None or found["ended"]:
            raise entry.wrong("there is no such payout, or it has ended before")
        found["ended"] = True
        return found

    def settle_payout(self, entry, settled):
        if settled.bank_reference in self.bank:
            raise entry.wrong(f"the bank's reference {settled.bank_reference} stands twice")
        self.bank.add(settled.bank_reference)
        self.pending(entry, settled.payout)

    def fail_payout(self, entry, failed):
        payout = self.pending(entry, failed.payout)
        self.payable[payout["at"]] += payout["amount"]
