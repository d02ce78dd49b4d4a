//! Settlements, their lines and their explanations.

use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{ContentHash, Money, Period, PoolName, ThingId, TreeHash};
use crate::merkle::{ProofError, leaf_hash, verify_inclusion};
use crate::wire::proto;

service!(
    settlement_service,
    settlement_service_client::SettlementServiceClient
);

/// What a settlement would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// BLAKE3 of the result; what `Settle` names. Verified against the result.
    pub result_hash: ContentHash,
    /// The result as canonical JSON.
    pub result_json: String,
    /// The id of the valuation.
    pub valuation: ThingId,
    /// The log size that it is as of.
    pub read_at_size: u64,
}

/// One run of a policy over one pool and period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Settlement {
    /// Its id.
    pub id: ThingId,
    /// The name of the pool.
    pub pool: PoolName,
    /// The period.
    pub period: Period,
    /// The id of the valuation.
    pub valuation: ThingId,
    /// The hash of the policy.
    pub policy_hash: ContentHash,
    /// BLAKE3 of the result.
    pub result_hash: ContentHash,
    /// The root of the tree over the result's lines.
    pub output_root: TreeHash,
    /// How many lines the result has.
    pub lines: u64,
    /// What was shared: receipts less refunds, chargebacks and the opening deficit.
    pub net: Money,
    /// The operator's fee.
    pub operator_fee: Money,
    /// What came back as costs.
    pub cost_recovered: Money,
    /// What was shared by value.
    pub shared: Money,
    /// The log index that booked it.
    pub settled_index: u64,
    /// Whether the run stopped because the net was not above zero.
    pub stopped: bool,
}

/// One step's amount for one contribution or party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettlementLine {
    /// Its number in the result, from 0.
    pub number: u64,
    /// The line as canonical JSON, the leaf under the output root.
    pub line_json: String,
    /// Its inclusion proof under the output root.
    pub inclusion_proof: Vec<TreeHash>,
}

/// Lines of a settlement that the caller may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettlementLines {
    /// How many lines the whole result has.
    pub total_lines: u64,
    /// The root that the proofs lead to.
    pub output_root: Option<TreeHash>,
    /// The lines.
    pub lines: Listed<SettlementLine>,
}

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A line of a settlement.
    Line {
        /// The name of the pool.
        pool: PoolName,
        /// The period.
        period: Period,
        /// The number of the line, from 0.
        number: u64,
    },
    /// A contribution, by name, id or prefix of an id.
    Contribution(String),
}

/// A log entry that an explanation rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The log index.
    pub index: u64,
    /// What the entry did, in a few words.
    pub what: String,
}

/// Why an amount is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The facts as canonical JSON.
    pub explanation_json: String,
    /// The same as sentences for people.
    pub sentences: Vec<String>,
    /// The log entries that it rests on, ascending.
    pub evidence: Vec<Evidence>,
    /// The log size that it is as of.
    pub read_at_size: u64,
}

impl SettlementLines {
    /// Checks that every line stands under the settlement's output root.
    ///
    /// # Errors
    /// The number of the first line whose proof does not lead there.
    pub fn verify(&self, settlement: &Settlement) -> Result<(), LineError> {
        for line in &self.lines.items {
            let number = line.number;
            let leaf = leaf_hash(line.line_json.as_bytes());
            let (size, root) = (settlement.lines, &settlement.output_root);
            verify_inclusion(number, size, &leaf, &line.inclusion_proof, root)
                .map_err(|source| LineError { number, source })?;
        }
        Ok(())
    }
}

/// A line that is not one of its settlement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number} is not one of the settlement: its proof leads elsewhere")]
pub struct LineError {
    /// The number of the line.
    pub number: u64,
    /// What is wrong with the proof.
    #[source]
    pub source: ProofError,
}

impl Connection {
    /// Computes the settlement of a frozen period without booking it.
    ///
    /// # Errors
    /// As any call, and where the result does not have the hash that came with it.
    pub async fn preview(
        &self,
        pool: &PoolName,
        period: &Period,
        valuation: &str,
    ) -> Result<Preview, ClientError> {
        let request = proto::PreviewRequest {
            pool: pool.to_string(),
            period: period.to_string(),
            valuation: valuation.to_owned(),
            min_log_size: 0,
        };
        let answer = call!(self, settlement_service.preview, request);
        let result_hash: ContentHash = answer::bytes("result_hash", &answer.result_hash)?;
        let found = ContentHash::of(answer.result_json.as_bytes());
        if found != result_hash {
            return Err(ClientError::Content { found });
        }
        Ok(Preview {
            result_hash,
            result_json: answer.result_json,
            valuation: answer::bytes("valuation", &answer.valuation)?,
            read_at_size: answer.read_at_size,
        })
    }

    /// Returns the settlement of a pool's period.
    ///
    /// # Errors
    /// As any call.
    pub async fn settlement(
        &self,
        pool: &PoolName,
        period: &Period,
    ) -> Result<Settlement, ClientError> {
        let request = proto::GetSettlementRequest {
            pool: pool.to_string(),
            period: period.to_string(),
            min_log_size: 0,
        };
        let answer = call!(self, settlement_service.get_settlement, request);
        read_settlement(answer.settlement.wanted("settlement")?)
    }

    /// Lists at most `limit` settlements, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn settlements(
        &self,
        pool: Option<&PoolName>,
        limit: usize,
    ) -> Result<Listed<Settlement>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListSettlementsRequest {
                pool: pool.map(ToString::to_string).unwrap_or_default(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, settlement_service.list_settlements, request);
            Ok(Page {
                items: read_all(answer.settlements, read_settlement)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Returns at most `limit` lines of a settlement; `contribution` and `party` may be empty.
    ///
    /// # Errors
    /// As any call.
    pub async fn settlement_lines(
        &self,
        (pool, period): (&PoolName, &Period),
        contribution: &str,
        party: &str,
        limit: usize,
    ) -> Result<SettlementLines, ClientError> {
        let whole = std::cell::Cell::new((0, None));
        let lines = pages(limit, async |page_size, page_token| {
            let request = proto::ListLinesRequest {
                pool: pool.to_string(),
                period: period.to_string(),
                contribution: contribution.to_owned(),
                party: party.to_owned(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, settlement_service.list_lines, request);
            let root = answer::optional_bytes("output_root", &answer.output_root)?;
            whole.set((answer.total_lines, root));
            Ok(Page {
                items: read_all(answer.lines, read_line)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await?;
        let (total_lines, output_root) = whole.get();
        Ok(SettlementLines {
            total_lines,
            output_root,
            lines,
        })
    }

    /// Explains a line, or a contribution, down to the log entries it rests on.
    ///
    /// # Errors
    /// As any call.
    pub async fn explain(&self, subject: Subject) -> Result<Explanation, ClientError> {
        use proto::explain_request::Subject as Sent;
        let subject = match subject {
            Subject::Contribution(reference) => Sent::Contribution(reference),
            Subject::Line {
                pool,
                period,
                number,
            } => Sent::Line(proto::LineReference {
                pool: pool.to_string(),
                period: period.to_string(),
                number,
            }),
        };
        let request = proto::ExplainRequest {
            subject: Some(subject),
            min_log_size: 0,
        };
        let answer = call!(self, settlement_service.explain, request);
        let evidence = answer.evidence.into_iter().map(|entry| Evidence {
            index: entry.index,
            what: entry.what,
        });
        Ok(Explanation {
            explanation_json: answer.explanation_json,
            sentences: answer.sentences,
            evidence: evidence.collect(),
            read_at_size: answer.read_at_size,
        })
    }
}

fn read_settlement(message: proto::Settlement) -> Result<Settlement, ClientError> {
    Ok(Settlement {
        id: answer::bytes("settlement.id", &message.id)?,
        pool: answer::text("settlement.pool", &message.pool)?,
        period: answer::text("settlement.period", &message.period)?,
        valuation: answer::bytes("settlement.valuation", &message.valuation)?,
        policy_hash: answer::bytes("settlement.policy_hash", &message.policy_hash)?,
        result_hash: answer::bytes("settlement.result_hash", &message.result_hash)?,
        output_root: answer::bytes("settlement.output_root", &message.output_root)?,
        lines: message.lines,
        net: answer::money("settlement.net", message.net)?,
        operator_fee: answer::money("settlement.operator_fee", message.operator_fee)?,
        cost_recovered: answer::money("settlement.cost_recovered", message.cost_recovered)?,
        shared: answer::money("settlement.shared", message.shared)?,
        settled_index: message.settled_index,
        stopped: message.stopped,
    })
}

fn read_line(message: proto::SettlementLine) -> Result<SettlementLine, ClientError> {
    let proof = message.inclusion_proof.iter();
    Ok(SettlementLine {
        number: message.number,
        line_json: message.line_json,
        inclusion_proof: proof
            .map(|hash| answer::bytes("line.inclusion_proof", hash))
            .collect::<Result<_, _>>()?,
    })
}
