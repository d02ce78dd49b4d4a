//! Pools, policies, uses and revenue.

use serde::Serialize;

use super::{Listed, Page, call, pages, read_all, service};
use crate::client::answer::{self, Answer as _};
use crate::client::{ClientError, Connection};
use crate::domain::{
    ContentHash, ContributionName, Currency, Money, PartyName, Period, PeriodKind, Policy,
    PoolName, RevenueKind, ThingId, UseClass,
};
use crate::wire::{proto, read_message};

service!(pool_service, pool_service_client::PoolServiceClient);

/// Where a period of a pool stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolPeriod {
    /// The period.
    pub period: Period,
    /// Its state: open, frozen or settled.
    pub state: String,
    /// How many contributions are in use.
    pub uses: u64,
    /// Receipts less refunds and chargebacks.
    pub revenue: Money,
    /// The log index that froze it.
    pub frozen_index: Option<u64>,
    /// The log index that settled it.
    pub settled_index: Option<u64>,
}

/// The policy of a pool from a period on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PoolPolicyShown {
    /// The first earning period.
    pub from_period: Period,
    /// The hash of the policy.
    pub policy_hash: ContentHash,
}

/// One payer's money for one model or product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// Its name, without pools/.
    pub name: PoolName,
    /// Its id.
    pub id: ThingId,
    /// The paying party.
    pub payer: PartyName,
    /// Its currency.
    pub currency: Currency,
    /// How long its periods are.
    pub period_kind: PeriodKind,
    /// The party that values its contributions.
    pub evaluator: PartyName,
    /// Its policies by earning period.
    pub policies: Vec<PoolPolicyShown>,
    /// BLAKE3 of the validation set.
    pub validation_hash: Option<ContentHash>,
    /// The log index that opened it.
    pub opened_index: u64,
    /// Its periods that have inputs, the newest first.
    pub periods: Vec<PoolPeriod>,
}

/// A policy and where it was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishedPolicy {
    /// The policy.
    pub policy: Policy,
    /// Its hash.
    pub policy_hash: ContentHash,
    /// The log index that published it.
    pub published_index: u64,
}

/// A contribution that is in use in a pool's period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The name of the contribution.
    pub contribution: ContributionName,
    /// The id of the contribution.
    pub contribution_id: ThingId,
    /// What it was used for.
    pub use_class: UseClass,
    /// The metered units; 0 where none were declared.
    pub units: u64,
    /// The log index that declared it.
    pub declared_index: u64,
}

/// Money in, or money taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revenue {
    /// The external reference.
    pub reference: String,
    /// The period that it belongs to.
    pub period: Period,
    /// Which way it went.
    pub kind: RevenueKind,
    /// The amount.
    pub amount: Money,
    /// The log index that posted it.
    pub posted_index: u64,
}

impl Connection {
    /// Returns a pool by name.
    ///
    /// # Errors
    /// As any call.
    pub async fn pool(&self, name: &PoolName) -> Result<Pool, ClientError> {
        let request = proto::GetPoolRequest {
            name: name.to_string(),
            min_log_size: 0,
        };
        let answer = call!(self, pool_service.get_pool, request);
        read_pool(answer.pool.wanted("pool")?)
    }

    /// Lists at most `limit` pools, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn pools(&self, limit: usize) -> Result<Listed<Pool>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListPoolsRequest {
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, pool_service.list_pools, request);
            Ok(Page {
                items: read_all(answer.pools, read_pool)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Returns a policy by hash or prefix of it.
    ///
    /// # Errors
    /// As any call.
    pub async fn policy(&self, reference: &str) -> Result<PublishedPolicy, ClientError> {
        let request = proto::GetPolicyRequest {
            reference: reference.to_owned(),
            min_log_size: 0,
        };
        let answer = call!(self, pool_service.get_policy, request);
        read_policy(answer.policy.wanted("policy")?)
    }

    /// Lists at most `limit` policies, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn policies(&self, limit: usize) -> Result<Listed<PublishedPolicy>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListPoliciesRequest {
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, pool_service.list_policies, request);
            Ok(Page {
                items: read_all(answer.policies, read_policy)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Lists at most `limit` uses of a pool's period, in the order they were recorded.
    ///
    /// # Errors
    /// As any call.
    pub async fn uses(
        &self,
        pool: &PoolName,
        period: &Period,
        limit: usize,
    ) -> Result<Listed<Use>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListUsesRequest {
                pool: pool.to_string(),
                period: period.to_string(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, pool_service.list_uses, request);
            Ok(Page {
                items: read_all(answer.uses, read_use)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }

    /// Lists at most `limit` items of revenue of a pool, the newest first.
    ///
    /// # Errors
    /// As any call.
    pub async fn revenue(
        &self,
        pool: &PoolName,
        period: Option<&Period>,
        limit: usize,
    ) -> Result<Listed<Revenue>, ClientError> {
        pages(limit, async |page_size, page_token| {
            let request = proto::ListRevenueRequest {
                pool: pool.to_string(),
                period: period.map(ToString::to_string).unwrap_or_default(),
                page_size,
                page_token,
                min_log_size: 0,
            };
            let answer = call!(self, pool_service.list_revenue, request);
            Ok(Page {
                items: read_all(answer.revenue, read_revenue)?,
                next: answer.next_page_token,
                read_at_size: answer.read_at_size,
            })
        })
        .await
    }
}

fn read_pool(message: proto::Pool) -> Result<Pool, ClientError> {
    Ok(Pool {
        name: answer::text("pool.name", &message.name)?,
        id: answer::bytes("pool.id", &message.id)?,
        payer: answer::text("pool.payer", &message.payer)?,
        currency: answer::text("pool.currency_code", &message.currency_code)?,
        period_kind: answer::choice("pool.period_kind", message.period_kind)?,
        evaluator: answer::text("pool.evaluator", &message.evaluator)?,
        policies: read_all(message.policies, |policy| {
            Ok(PoolPolicyShown {
                from_period: answer::text("pool.policies.from_period", &policy.from_period)?,
                policy_hash: answer::bytes("pool.policies.policy_hash", &policy.policy_hash)?,
            })
        })?,
        validation_hash: answer::optional_bytes("pool.validation_hash", &message.validation_hash)?,
        opened_index: message.opened_index,
        periods: read_all(message.periods, |period| {
            Ok(PoolPeriod {
                period: answer::text("pool.periods.period", &period.period)?,
                state: period.state,
                uses: period.uses,
                revenue: answer::money("pool.periods.revenue", period.revenue)?,
                frozen_index: period.frozen_index,
                settled_index: period.settled_index,
            })
        })?,
    })
}

fn read_policy(message: proto::PublishedPolicy) -> Result<PublishedPolicy, ClientError> {
    let policy = message.policy.wanted("policy")?;
    Ok(PublishedPolicy {
        policy: read_message(policy).map_err(answer::refused("policy"))?,
        policy_hash: answer::bytes("policy_hash", &message.policy_hash)?,
        published_index: message.published_index,
    })
}

fn read_use(message: proto::Use) -> Result<Use, ClientError> {
    Ok(Use {
        contribution: answer::text("use.contribution", &message.contribution)?,
        contribution_id: answer::bytes("use.contribution_id", &message.contribution_id)?,
        use_class: answer::choice("use.use_class", message.use_class)?,
        units: message.units,
        declared_index: message.declared_index,
    })
}

fn read_revenue(message: proto::Revenue) -> Result<Revenue, ClientError> {
    Ok(Revenue {
        period: answer::text("revenue.period", &message.period)?,
        kind: answer::choice("revenue.kind", message.kind)?,
        amount: answer::money("revenue.amount", message.amount)?,
        reference: message.reference,
        posted_index: message.posted_index,
    })
}
