//! `PoolService`: pools, policies, uses and revenue.

use tonic::Request;

use super::asked::Asked;
use super::book::money;
use super::reads::{Answer, Reads};
use super::settlement::pool_and_period;
use crate::domain::Period;
use crate::ledger::query::{self, Pool, PublishedPolicy, Revenue, Use};
use crate::ledger::{PeriodRow, PeriodState};
use crate::wire::proto::pool_service_server::PoolService;
use crate::wire::{Choice, proto};

/// Shows pools.
pub(super) struct Pools {
    reads: Reads,
}

impl Pools {
    pub fn new(reads: Reads) -> Self {
        Self { reads }
    }
}

#[tonic::async_trait]
impl PoolService for Pools {
    async fn get_pool(
        &self,
        request: Request<proto::GetPoolRequest>,
    ) -> Answer<proto::GetPoolResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let mut fields = Asked::default();
            let Some(name) = fields.pool("name", &asked.name) else {
                return Err(fields.refusal());
            };
            let pool = query::pool(reading.view(), caller, &name)?;
            Ok(proto::GetPoolResponse {
                pool: Some(pool_message(&pool)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_pools(
        &self,
        request: Request<proto::ListPoolsRequest>,
    ) -> Answer<proto::ListPoolsResponse> {
        let work = self.reads.list(request, |_, reading, caller, paging| {
            let cursor = paging.cursor(reading.size())?;
            let page = query::pools(reading.view(), caller, cursor, paging.limit)?;
            Ok(proto::ListPoolsResponse {
                next_page_token: paging.next(&page),
                pools: page.items.iter().map(pool_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }

    async fn get_policy(
        &self,
        request: Request<proto::GetPolicyRequest>,
    ) -> Answer<proto::GetPolicyResponse> {
        let work = self.reads.answer(request, |asked, reading, caller| {
            let policy = query::policy(reading.view(), caller, &asked.reference)?;
            Ok(proto::GetPolicyResponse {
                policy: Some(policy_message(&policy)),
                read_at_size: reading.size(),
            })
        });
        work.await
    }

    async fn list_policies(
        &self,
        request: Request<proto::ListPoliciesRequest>,
    ) -> Answer<proto::ListPoliciesResponse> {
        let work = self.reads.list(request, |_, reading, caller, paging| {
            let cursor = paging.cursor(reading.size())?;
            let page = query::policies(reading.view(), caller, cursor, paging.limit)?;
            Ok(proto::ListPoliciesResponse {
                next_page_token: paging.next(&page),
                policies: page.items.iter().map(policy_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }

    async fn list_uses(
        &self,
        request: Request<proto::ListUsesRequest>,
    ) -> Answer<proto::ListUsesResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let (pool, period) = pool_and_period(&asked.pool, &asked.period)?;
            let size = paging.pinned(reading.size());
            let (view, after) = (reading.view(), paging.after());
            let page = query::uses(view, caller, (&pool, period), size, after, paging.limit)?;
            Ok(proto::ListUsesResponse {
                uses: page.items.iter().map(use_message).collect(),
                next_page_token: paging.token(reading.size(), page.next),
                read_at_size: reading.size(),
                listed_at_size: size,
            })
        });
        work.await
    }

    async fn list_revenue(
        &self,
        request: Request<proto::ListRevenueRequest>,
    ) -> Answer<proto::ListRevenueResponse> {
        let work = self.reads.list(request, |asked, reading, caller, paging| {
            let mut fields = Asked::default();
            let pool = fields.pool("pool", &asked.pool);
            let period = fields.optional::<Period>("period", &asked.period);
            let Some(pool) = pool else {
                return Err(fields.refusal());
            };
            fields.done()?;
            let cursor = paging.cursor(reading.size())?;
            let view = reading.view();
            let page = query::revenue(view, caller, &pool, period, cursor, paging.limit)?;
            Ok(proto::ListRevenueResponse {
                next_page_token: paging.next(&page),
                revenue: page.items.iter().map(revenue_message).collect(),
                read_at_size: reading.size(),
                listed_at_size: cursor.size,
            })
        });
        work.await
    }
}

fn pool_message(pool: &Pool) -> proto::Pool {
    let row = &pool.row;
    let validation_hash = row.validation_hash.as_ref();
    let periods = pool.periods.iter();
    proto::Pool {
        name: pool.name.to_string(),
        id: row.id.0.to_vec().into(),
        payer: row.payer.to_string(),
        currency_code: row.currency.code().to_owned(),
        period_kind: row.period_kind.number(),
        evaluator: row.evaluator.to_string(),
        policies: row.policies.iter().map(proto::PoolPolicy::from).collect(),
        validation_hash: validation_hash
            .map(|hash| hash.0.to_vec())
            .unwrap_or_default()
            .into(),
        opened_index: row.opened_at,
        periods: periods.map(|period| period_message(pool, period)).collect(),
    }
}

fn period_message(pool: &Pool, row: &PeriodRow) -> proto::PoolPeriod {
    let (state, frozen_index, settled_index) = match row.state {
        // A later period was frozen and sealed it with itself.
        PeriodState::Open if pool.row.is_closed(&row.period) => ("frozen", None, None),
        PeriodState::Open => ("open", None, None),
        PeriodState::Frozen { at } => ("frozen", Some(at), None),
        PeriodState::Settled { frozen_at, at } => ("settled", Some(frozen_at), Some(at)),
    };
    proto::PoolPeriod {
        period: row.period.to_string(),
        state: state.to_owned(),
        uses: row.uses,
        revenue: Some(money(row.revenue_sum(), pool.row.currency)),
        frozen_index,
        settled_index,
    }
}

fn policy_message(policy: &PublishedPolicy) -> proto::PublishedPolicy {
    proto::PublishedPolicy {
        policy: Some((&policy.row.policy).into()),
        policy_hash: policy.hash.0.to_vec().into(),
        published_index: policy.row.published_at,
    }
}

fn use_message(used: &Use) -> proto::Use {
    proto::Use {
        contribution: used.name.to_string(),
        contribution_id: used.contribution.0.to_vec().into(),
        use_class: used.row.class.number(),
        units: used.row.units,
        declared_index: used.row.declared_at,
    }
}

fn revenue_message(revenue: &Revenue) -> proto::Revenue {
    proto::Revenue {
        reference: revenue.row.reference.clone(),
        period: revenue.row.period.to_string(),
        kind: revenue.row.kind.number(),
        amount: Some((&revenue.amount).into()),
        posted_index: revenue.at.index,
    }
}
