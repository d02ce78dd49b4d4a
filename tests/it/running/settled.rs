//! A pool with everything in it: used, paid for, valued and settled.
//!
//! `provider` and `lab` contribute, `payer` uses both in `solar` in 2026-01 and pays, `provider`
//! claims a cost, `evaluator` values them 3 to 1, and `operator` settles and begins to pay.

use std::collections::BTreeMap;
use std::num::NonZero;

use fenrun::domain::{
    ApproveCost, ClaimCost, CommandId, ContentHash, CostRecovery, DeclareUse, FreezePeriod,
    ImportWeights, IssuePayout, OpenPool, OperatorFee, PeriodKind, Policy, PolicyTerms, PoolPolicy,
    PostRevenue, PublishPolicy, RevenueKind, Settle, StartValuation, ThingId, UseClass, UseLine,
    UseMode, write_use_list,
};
use fenrun::valuation::{Line, VALUE_TABLE_FORMAT, ValueTable};
use fenrun::wire::{policy_hash, proto};
use proto::settlement_service_client::SettlementServiceClient;

use super::actions::record;
use super::{OPERATOR, Running};

/// The pool.
pub const POOL: &str = "solar";
/// The period that is settled.
pub const PERIOD: &str = "2026-01";

/// The ids of what the scenario created.
pub struct Settled {
    /// The contribution of `provider`.
    pub digits: ThingId,
    /// The contribution of `lab`.
    pub letters: ThingId,
    /// The policy.
    pub policy: ContentHash,
    /// The claim of `provider`.
    pub claim: ThingId,
    /// The valuation.
    pub valuation: ThingId,
    /// A request for another one, which waits for rows that are not stored.
    pub request: ThingId,
    /// The hash of the settlement's result.
    pub result: ContentHash,
    /// A payout of 1.00 CNY to `provider` that is on its way.
    pub payout: ThingId,
}

/// Returns a policy: a fee of 5 %, and costs of the class `direct` back first.
pub fn policy() -> Policy {
    Policy {
        name: "plain".parse().unwrap(),
        time_zone: "UTC".to_owned(),
        objection_days: 0,
        terms: PolicyTerms {
            operator_fee: Some(OperatorFee {
                bps: 500,
                flat: 0,
                cap: None,
            }),
            cost_recovery: Some(CostRecovery {
                tier_cap_bps: 4_000,
                classes: vec!["direct".to_owned()],
            }),
            ..PolicyTerms::default()
        },
    }
}

/// Returns the opening of a pool under a policy.
pub fn open_pool(name: &str, policy_hash: ContentHash) -> OpenPool {
    OpenPool {
        name: name.parse().unwrap(),
        payer: "payer".parse().unwrap(),
        currency: "CNY".parse().unwrap(),
        period_kind: PeriodKind::Month,
        evaluator: "evaluator".parse().unwrap(),
        policies: vec![PoolPolicy {
            from_period: PERIOD.parse().unwrap(),
            policy_hash,
        }],
        validation_hash: None,
    }
}

/// Returns revenue of the pool.
pub fn receipt(reference: &str, amount: &str) -> PostRevenue {
    PostRevenue {
        pool: POOL.parse().unwrap(),
        period: PERIOD.parse().unwrap(),
        kind: RevenueKind::Receipt,
        amount: amount.parse().unwrap(),
        reference: reference.to_owned(),
    }
}

/// Returns a payout to `provider`.
pub fn payout(reference: &str, amount: &str) -> IssuePayout {
    IssuePayout {
        party: "provider".parse().unwrap(),
        amount: amount.parse().unwrap(),
        reference: reference.to_owned(),
    }
}

impl Running {
    /// Uploads an attachment as a party; returns its hash.
    pub async fn attach(&self, party: &str, bytes: impl AsRef<[u8]>) -> ContentHash {
        let answer = self.put(party, bytes).await.unwrap();
        ContentHash::try_from(answer.hash.as_ref()).unwrap()
    }

    /// Records a command that creates something; returns its id.
    pub async fn create(&self, party: &str, action: impl Into<fenrun::domain::Action>) -> ThingId {
        let answer = self.submit(party, action).await.unwrap();
        CommandId::try_from(answer.command_id.as_ref())
            .unwrap()
            .thing(0)
    }

    /// Runs the scenario on a peopled ledger.
    pub async fn settle(&self) -> Settled {
        let digits = self
            .create("provider", record("digits", 1, b"digits"))
            .await;
        let letters = self.create("lab", record("letters", 1, b"letters")).await;
        let policy = policy();
        let policy_hash = policy_hash(&policy);
        let publish = PublishPolicy {
            policy,
            policy_hash,
        };
        self.record(OPERATOR, publish).await;
        self.record(OPERATOR, open_pool(POOL, policy_hash)).await;
        let claim = self.claim_cost(digits).await;
        self.use_and_pay(&[digits, letters]).await;
        let freeze = FreezePeriod {
            pool: POOL.parse().unwrap(),
            period: PERIOD.parse().unwrap(),
        };
        self.record(OPERATOR, freeze).await;
        let valuation = self
            .value(&[(digits, "provider", 3), (letters, "lab", 1)])
            .await;
        let start = StartValuation {
            pool: POOL.parse().unwrap(),
            period: PERIOD.parse().unwrap(),
            method: "coverage".to_owned(),
            parameters: "{\"duplicates\":\"first\"}".to_owned(),
            validation_hash: None,
            commitment: None,
        };
        let request = self.create(OPERATOR, start).await;
        let result = self.preview(valuation).await;
        let settle = Settle {
            pool: POOL.parse().unwrap(),
            period: PERIOD.parse().unwrap(),
            valuation,
            result_hash: result,
        };
        self.record(OPERATOR, settle).await;
        Settled {
            digits,
            letters,
            policy: policy_hash,
            claim,
            valuation,
            request,
            result,
            payout: self.create(OPERATOR, payout("order-1", "1.00 CNY")).await,
        }
    }

    async fn claim_cost(&self, contribution: ThingId) -> ThingId {
        let claim = ClaimCost {
            contribution,
            class: "direct".parse().unwrap(),
            amount: "100.00 CNY".parse().unwrap(),
            evidence_hash: ContentHash::of(b"evidence"),
            note: String::new(),
        };
        let claim = self.create("provider", claim).await;
        let approve = ApproveCost {
            claim,
            approved: "100.00 CNY".parse().unwrap(),
            reason: String::new(),
        };
        self.record(OPERATOR, approve).await;
        claim
    }

    async fn use_and_pay(&self, contributions: &[ThingId]) {
        let lines = contributions.iter().map(|contribution| UseLine {
            contribution: *contribution,
            units: 0,
        });
        let use_list = write_use_list(&lines.collect::<Vec<_>>());
        let use_list = self.attach("payer", use_list).await;
        let declare = DeclareUse {
            pool: POOL.parse().unwrap(),
            period: PERIOD.parse().unwrap(),
            mode: UseMode::Add,
            class: UseClass::Commercial,
            use_list,
        };
        self.record("payer", declare).await;
        self.record("payer", receipt("invoice-1", "1000.00 CNY"))
            .await;
    }

    /// Imports values of contributions with their owners; returns the valuation's id.
    async fn value(&self, values: &[(ThingId, &str, i128)]) -> ThingId {
        let mut values = values.to_vec();
        values.sort_by_key(|(contribution, ..)| *contribution);
        let weights = fenrun::valuation::weights(&values).unwrap();
        let lines = values.iter().zip(weights);
        let table = ValueTable {
            contributions: lines
                .map(|((contribution, owner, value), weight)| Line {
                    contribution: *contribution,
                    copies: 0,
                    owner: owner.parse().unwrap(),
                    rows: 0,
                    value: *value,
                    weight,
                })
                .collect(),
            denominator: NonZero::new(1).unwrap(),
            format: VALUE_TABLE_FORMAT.to_owned(),
            inputs: Vec::new(),
            method: "measured".to_owned(),
            owners: None,
            parameters: BTreeMap::new(),
            period: PERIOD.parse().unwrap(),
            pool: POOL.parse().unwrap(),
            rules: 1,
            seed: None,
        };
        let import = ImportWeights {
            pool: POOL.parse().unwrap(),
            period: PERIOD.parse().unwrap(),
            method: "measured".to_owned(),
            parameters: table.parameters_json().unwrap(),
            validation_hash: None,
            table_hash: self.attach("evaluator", table.encode().unwrap()).await,
        };
        self.create("evaluator", import).await
    }

    async fn preview(&self, valuation: ThingId) -> ContentHash {
        let mut client = SettlementServiceClient::new(self.channel().await);
        let request = proto::PreviewRequest {
            pool: POOL.to_owned(),
            period: PERIOD.to_owned(),
            valuation: valuation.to_string(),
            min_log_size: 0,
        };
        let request = self.request(OPERATOR, request);
        let preview = client.preview(request).await.unwrap().into_inner();
        let hash = ContentHash::of(preview.result_json.as_bytes());
        assert_eq!(preview.result_hash, hash.0.as_slice());
        assert_eq!(preview.valuation, valuation.0.as_slice());
        hash
    }
}
