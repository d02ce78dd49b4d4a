//! Every reason that the outside can bring about, over gRPC, with the form that refusals have.

use std::collections::BTreeSet;

use fenrun::domain::{
    Action, AdmitParty, ApproveCost, ClaimCost, ContentHash, DeclareUse, DerivationConsent,
    FailPayout, FreezePeriod, LedgerId, Parent, Reason, ReplaceKey, RevokeKey, Role, Settle,
    Signer, ThingId, UnixMillis, Upgrade, UseClass, UseMode, WithdrawContribution,
};
use fenrun::wire::{encode_command, proto, sign_application};
use tonic::Status;

use super::refused;
use crate::running::actions::{record, sample};
use crate::running::settled::{PERIOD, POOL, Settled, open_pool, payout, receipt};
use crate::running::{OPERATOR, Running, START, WINDOW_MS, key, sign_bytes};

/// Reasons that other tests bring about, or that take a broken disk or a fault of ours.
const ELSEWHERE: &[Reason] = &[
    // `tokens`, `blobs`, `limits` and `frame`, over gRPC.
    Reason::Unauthenticated,
    Reason::InvalidArgument,
    Reason::QuotaExceeded,
    Reason::ContentMismatch,
    Reason::QueueFull,
    Reason::ShuttingDown,
    // The tests of the core's rules; they take long chains, a second settlement, or a valuation.
    Reason::DerivationTooDeep,
    Reason::CommitmentTaken,
    Reason::RevealInvalid,
    Reason::RequestAnswered,
    Reason::ValuationMismatch,
    Reason::ResultDiffers,
    Reason::SettlementRefused,
    // The service's own tests, on an engine whose disk breaks.
    Reason::NoSpace,
    Reason::StoreFault,
    // The test of the command line that keeps a new log key from its server.
    Reason::LogKeyMissing,
    // What no input of this version brings about.
    Reason::NotInThisVersion,
    Reason::Internal,
];

struct Reasons {
    running: Running,
    settled: Settled,
    met: BTreeSet<Reason>,
}

impl Reasons {
    async fn send(&self, signed: proto::SignedCommand) -> Result<(), Status> {
        let request = proto::SubmitRequest {
            signed_command: Some(signed),
        };
        let mut client = self.running.ledger_client().await;
        client.submit(request).await.map(|_| ())
    }

    #[track_caller]
    fn meet(&mut self, reason: Reason, answer: Result<(), Status>) {
        refused(&answer.expect_err(reason.as_str()), reason);
        self.met.insert(reason);
    }

    /// Sends a command that has to be refused.
    async fn refuse(&mut self, reason: Reason, party: &str, action: impl Into<Action>) {
        let answer = self.running.submit(party, action).await.map(|_| ());
        self.meet(reason, answer);
    }

    async fn at_the_door(&mut self) {
        let good = self.running.sign("lab", record("door", 1, b"door"));
        let mut signed = good.clone();
        signed.command = vec![1; 65_431].into();
        self.meet(Reason::TooLarge, self.send(signed.clone()).await);
        signed.command = b"\xff".to_vec().into();
        self.meet(Reason::Malformed, self.send(signed).await);
        // An empty actor once more after the action: the last one would count.
        let mut bytes = good.command.to_vec();
        bytes.extend_from_slice(b"\x12\x03lab");
        let signed = sign_bytes(bytes, &key("lab"));
        self.meet(Reason::NonCanonical, self.send(signed).await);
        let signed = sign_bytes(good.command.to_vec(), &key("stranger"));
        self.meet(Reason::KeyUnknown, self.send(signed).await);
        let mut signed = good.clone();
        signed.signature = vec![1; 64].into();
        self.meet(Reason::SignatureInvalid, self.send(signed).await);
        let signed = sign_bytes(good.command.to_vec(), &key("provider"));
        self.meet(Reason::ActorMismatch, self.send(signed).await);
        let mut command = self.running.command("lab", record("door", 1, b"door"));
        command.ledger = Some(LedgerId([1; 32]));
        let signed = sign_bytes(encode_command(&command), &key("lab"));
        self.meet(Reason::LedgerMismatch, self.send(signed).await);
        let mut command = self.running.command("lab", record("door", 1, b"door"));
        command.created_at = UnixMillis(START.0 + WINDOW_MS + 1);
        let signed = sign_bytes(encode_command(&command), &key("lab"));
        self.meet(Reason::TimeWindow, self.send(signed).await);
        self.refuse(Reason::NotPermitted, "payer", record("door", 1, b"door"))
            .await;
        // Time was set while the server ran, and is set right again.
        self.running.clock.set(UnixMillis(START.0 + 120_000));
        self.refuse(Reason::ClockFault, "lab", record("door", 1, b"door"))
            .await;
        self.running.clock.set(START);
    }

    async fn about_parties(&mut self) {
        self.refuse(
            Reason::RulesVersionUnknown,
            OPERATOR,
            Upgrade { rules_version: 2 },
        )
        .await;
        let found = sample(&self.running, OPERATOR, fenrun::domain::ActionKind::Found);
        self.refuse(Reason::AlreadyFounded, OPERATOR, found).await;
        let again = self.running.admission("lab", Role::Provider);
        self.refuse(Reason::NameTaken, OPERATOR, again).await;
        let key_of_lab = self.application("newcomer", "lab", &[Role::Provider]);
        self.refuse(Reason::KeyTaken, OPERATOR, key_of_lab).await;
        let mut forged = self.running.admission("newcomer", Role::Provider);
        forged.signature = key("lab").sign(b"something else");
        self.refuse(Reason::ApplicationInvalid, OPERATOR, forged)
            .await;
        let replace = ReplaceKey {
            party: "lab".parse().unwrap(),
            new_key: key("unused").public_key(),
            possession: key("unused").sign(b"something else"),
        };
        self.refuse(Reason::PossessionInvalid, OPERATOR, replace)
            .await;
        let revoke = |party: &str| RevokeKey {
            public_key: key(party).public_key(),
            suspect_from: None,
        };
        self.refuse(Reason::LastOperatorKey, OPERATOR, revoke(OPERATOR))
            .await;
        self.running.record(OPERATOR, revoke("service")).await;
        self.refuse(Reason::KeyState, OPERATOR, revoke("service"))
            .await;
        self.refuse(Reason::KeyInactive, "service", revoke("service"))
            .await;
    }

    /// Returns the admission of a party with a key and roles.
    fn application(&self, name: &str, signer: &str, roles: &[Role]) -> AdmitParty {
        let mut application = self.running.admission(name, Role::Provider).application;
        application.roles = roles.to_vec();
        application.public_key = key(signer).public_key();
        sign_application(&key(signer), application)
    }

    async fn about_contributions(&mut self) {
        let withdraw = |contribution| WithdrawContribution {
            contribution,
            from_period: "2026-05".parse().unwrap(),
            reason: String::new(),
        };
        self.refuse(Reason::NotFound, "lab", withdraw(self.settled.digits))
            .await;
        let mut closed = record("closed", 1, b"closed");
        closed.terms.derivation = DerivationConsent::None;
        let closed = self.running.create("provider", closed).await;
        let mut open = record("open", 1, b"open");
        open.terms.upstream_bps_min = 500;
        let open = self.running.create("provider", open).await;
        let child = |parents: &[(ThingId, u32)]| {
            let mut child = record("child", 1, b"child");
            let mut parents: Vec<Parent> = parents
                .iter()
                .map(|(contribution, upstream_bps)| Parent {
                    contribution: *contribution,
                    upstream_bps: *upstream_bps,
                })
                .collect();
            parents.sort_by_key(|parent| parent.contribution);
            child.parents = parents;
            child
        };
        self.refuse(Reason::ConsentMissing, "lab", child(&[(closed, 1_000)]))
            .await;
        self.refuse(Reason::UpstreamTooLow, "lab", child(&[(open, 499)]))
            .await;
        let both = child(&[(open, 6_000), (self.settled.digits, 6_000)]);
        self.refuse(Reason::UpstreamTooHigh, "lab", both).await;
        self.running.record("provider", withdraw(open)).await;
        self.refuse(Reason::Withdrawn, "lab", child(&[(open, 500)]))
            .await;
    }

    async fn about_money(&mut self) {
        let claim = |contribution, amount: &str| ClaimCost {
            contribution,
            class: "direct".parse().unwrap(),
            amount: amount.parse().unwrap(),
            evidence_hash: ContentHash::of(b"evidence"),
            note: String::new(),
        };
        let approve = |claim, amount: &str| ApproveCost {
            claim,
            approved: amount.parse().unwrap(),
            reason: String::new(),
        };
        let decided = approve(self.settled.claim, "1.00 CNY");
        self.refuse(Reason::ClaimDecided, OPERATOR, decided).await;
        let waiting = self
            .running
            .create("lab", claim(self.settled.letters, "5.00 CNY"))
            .await;
        self.refuse(
            Reason::AmountOutOfRange,
            OPERATOR,
            approve(waiting, "5.01 CNY"),
        )
        .await;
        self.refuse(
            Reason::CurrencyMismatch,
            OPERATOR,
            approve(waiting, "5.00 USD"),
        )
        .await;
        let too_much = payout("order-2", "100000.00 CNY");
        self.refuse(Reason::NotPayable, OPERATOR, too_much).await;
        let fail = FailPayout {
            payout: self.settled.payout,
            reason: String::new(),
        };
        self.running.record(OPERATOR, fail.clone()).await;
        self.refuse(Reason::PayoutDecided, OPERATOR, fail).await;
        let roles = [Role::Operator, Role::Provider];
        let both = self.application("both", "both", &roles);
        self.running.record(OPERATOR, both).await;
        let own = self.running.create("both", record("own", 1, b"own")).await;
        let own = self.running.create("both", claim(own, "5.00 CNY")).await;
        self.refuse(Reason::OwnClaim, "both", approve(own, "5.00 CNY"))
            .await;
        let mut pool = open_pool("wind", self.settled.policy);
        pool.payer = "lab".parse().unwrap();
        self.refuse(Reason::RoleMissing, OPERATOR, pool).await;

        let late = receipt("invoice-2", "1.00 CNY");
        self.refuse(Reason::PeriodClosed, "payer", late).await;
        let in_period = |reference: &str, period: &str| {
            let mut receipt = receipt(reference, "1.00 CNY");
            receipt.period = period.parse().unwrap();
            receipt
        };
        self.refuse(
            Reason::PeriodMismatch,
            "payer",
            in_period("invoice-2", "2026-Q2"),
        )
        .await;
        self.refuse(
            Reason::ReferenceTaken,
            "payer",
            in_period("invoice-1", "2026-02"),
        )
        .await;
        self.running
            .record("payer", in_period("invoice-2", "2026-02"))
            .await;
        let use_list = |use_list| DeclareUse {
            pool: POOL.parse().unwrap(),
            period: "2026-02".parse().unwrap(),
            mode: UseMode::Add,
            class: UseClass::Commercial,
            use_list,
        };
        let missing = use_list(ContentHash::of(b"nowhere"));
        self.refuse(Reason::AttachmentMissing, "payer", missing)
            .await;
        let garbage = self.running.attach("payer", b"no use list").await;
        self.refuse(Reason::AttachmentInvalid, "payer", use_list(garbage))
            .await;
        self.about_periods().await;
    }

    async fn about_periods(&mut self) {
        let settle = |period: &str, settled: &Settled| Settle {
            pool: POOL.parse().unwrap(),
            period: period.parse().unwrap(),
            valuation: settled.valuation,
            result_hash: settled.result,
        };
        let again = settle(PERIOD, &self.settled);
        self.refuse(Reason::AlreadySettled, OPERATOR, again).await;
        let open = settle("2026-02", &self.settled);
        self.refuse(Reason::NotFrozen, OPERATOR, open).await;
        self.running
            .record("payer", {
                let mut receipt = receipt("invoice-3", "1.00 CNY");
                receipt.period = "2026-03".parse().unwrap();
                receipt
            })
            .await;
        let freeze = FreezePeriod {
            pool: POOL.parse().unwrap(),
            period: "2026-03".parse().unwrap(),
        };
        self.refuse(Reason::EarlierPeriodOpen, OPERATOR, freeze)
            .await;
    }
}

#[tokio::test]
async fn every_reason_that_the_outside_can_bring_about() {
    let running = Running::peopled().await;
    let settled = running.settle().await;
    let mut reasons = Reasons {
        running,
        settled,
        met: BTreeSet::new(),
    };
    reasons.at_the_door().await;
    reasons.about_parties().await;
    reasons.about_contributions().await;
    reasons.about_money().await;
    let elsewhere: BTreeSet<Reason> = ELSEWHERE.iter().copied().collect();
    let all: BTreeSet<Reason> = Reason::ALL.iter().copied().collect();
    let left: Vec<&Reason> = all.difference(&reasons.met).collect();
    assert_eq!(left, elsewhere.iter().collect::<Vec<_>>());
}
