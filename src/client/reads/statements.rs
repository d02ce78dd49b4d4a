//! Statements: what one party is shown for one period.

use serde::Serialize;

use super::{call, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{ContentHash, ContributionName, Money, PartyName, Period, PoolName, TreeHash};
use crate::wire::proto;

service!(
    statement_service,
    settlement_service_client::SettlementServiceClient
);

/// What one contribution earned in one pool and period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementLine {
    /// The name of the pool.
    pub pool: PoolName,
    /// The name of the contribution.
    pub contribution: ContributionName,
    /// The weight in the valuation; of 10^12 in all.
    pub weight: u64,
    /// What came back as cost.
    pub cost: Money,
    /// What of its approved costs is still outstanding.
    pub cost_outstanding: Money,
    /// What it was given by value.
    pub share: Money,
    /// What it holds after upstream.
    pub after_upstream: Money,
}

/// What one pool's settlement gave the party.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatementPool {
    /// The name of the pool.
    pub pool: PoolName,
    /// The pool's net revenue.
    pub net: Money,
    /// The operator's fee on it.
    pub operator_fee: Money,
    /// What the party can be paid.
    pub payable: Money,
    /// What is carried to its next payment.
    pub carried: Money,
    /// What was withheld as tax.
    pub tax: Money,
    /// What set off a debt.
    pub offset: Money,
    /// What is held in disputes.
    pub held: Money,
    /// What is held in reserve.
    pub reserve: Money,
    /// The log index of the settlement.
    pub settled_index: u64,
    /// BLAKE3 of the result.
    pub result_hash: ContentHash,
    /// The root over the result's lines.
    pub output_root: TreeHash,
    /// The numbers of the party's lines in the result.
    pub line_numbers: Vec<u64>,
}

/// What one party is shown for one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The name of the party.
    pub party: PartyName,
    /// Who stands behind it.
    pub beneficial_owner: PartyName,
    /// The period.
    pub period: Period,
    /// What the party was owed before the period's settlements, by currency.
    pub opening_balances: Vec<Money>,
    /// What each contribution earned.
    pub lines: Vec<StatementLine>,
    /// What each pool's settlement gave.
    pub pools: Vec<StatementPool>,
    /// What the party is owed after them, by currency.
    pub closing_balances: Vec<Money>,
    /// Notes that the party should know.
    pub notes: Vec<String>,
}

impl Connection {
    /// Returns the statement of a party for a period.
    ///
    /// # Errors
    /// As any call.
    pub async fn statement(
        &self,
        party: &PartyName,
        period: &Period,
    ) -> Result<Statement, ClientError> {
        let request = proto::GetStatementRequest {
            party: party.to_string(),
            period: period.to_string(),
            min_log_size: 0,
        };
        let answer = call!(self, statement_service.get_statement, request);
        let message = answer.statement.wanted("statement")?;
        let money = |money| answer::money("statement.balances", Some(money));
        Ok(Statement {
            party: answer::text("statement.party", &message.party)?,
            beneficial_owner: answer::text(
                "statement.beneficial_owner",
                &message.beneficial_owner,
            )?,
            period: answer::text("statement.period", &message.period)?,
            opening_balances: read_all(message.opening_balances, money)?,
            lines: read_all(message.lines, read_line)?,
            pools: read_all(message.pools, read_pool)?,
            closing_balances: read_all(message.closing_balances, money)?,
            notes: message.notes,
        })
    }
}

fn read_line(message: proto::StatementLine) -> Result<StatementLine, ClientError> {
    Ok(StatementLine {
        pool: answer::text("line.pool", &message.pool)?,
        contribution: answer::text("line.contribution", &message.contribution)?,
        weight: message.weight,
        cost: answer::money("line.cost", message.cost)?,
        cost_outstanding: answer::money("line.cost_outstanding", message.cost_outstanding)?,
        share: answer::money("line.share", message.share)?,
        after_upstream: answer::money("line.after_upstream", message.after_upstream)?,
    })
}

fn read_pool(message: proto::StatementPool) -> Result<StatementPool, ClientError> {
    Ok(StatementPool {
        pool: answer::text("pool.pool", &message.pool)?,
        net: answer::money("pool.net", message.net)?,
        operator_fee: answer::money("pool.operator_fee", message.operator_fee)?,
        payable: answer::money("pool.payable", message.payable)?,
        carried: answer::money("pool.carried", message.carried)?,
        tax: answer::money("pool.tax", message.tax)?,
        offset: answer::money("pool.offset", message.offset)?,
        held: answer::money("pool.held", message.held)?,
        reserve: answer::money("pool.reserve", message.reserve)?,
        settled_index: message.settled_index,
        result_hash: answer::bytes("pool.result_hash", &message.result_hash)?,
        output_root: answer::bytes("pool.output_root", &message.output_root)?,
        line_numbers: message.line_numbers,
    })
}
