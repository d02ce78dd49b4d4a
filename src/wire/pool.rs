//! Pools: opening, use, revenue, freezing and settling.

use super::choices::Choice;
use super::fields::{Fields, Read};
use super::proto;
use super::values::{bytes_of, read_amount};
use crate::domain::{
    Currency, DeclareUse, FreezePeriod, OpenPool, POOL_POLICIES_MAX, PartyName, Period, PoolName,
    PoolPolicy, PostRevenue, Settle,
};

impl Read for PoolPolicy {
    type Message = proto::PoolPolicy;

    fn read(message: proto::PoolPolicy, fields: &mut Fields<'_>) -> Option<Self> {
        let from_period = fields.parse::<Period>("from_period", &message.from_period);
        let policy_hash = fields.bytes("policy_hash", &message.policy_hash);
        Some(Self {
            from_period: from_period?,
            policy_hash: policy_hash?,
        })
    }
}

impl From<&PoolPolicy> for proto::PoolPolicy {
    fn from(policy: &PoolPolicy) -> Self {
        Self {
            from_period: policy.from_period.to_string(),
            policy_hash: bytes_of(&policy.policy_hash.0),
        }
    }
}

impl Read for OpenPool {
    type Message = proto::OpenPool;

    fn read(message: proto::OpenPool, fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.parse::<PoolName>("name", &message.name);
        let payer = fields.parse::<PartyName>("payer", &message.payer);
        let currency = fields.parse::<Currency>("currency_code", &message.currency_code);
        let period_kind = fields.choice("period_kind", message.period_kind);
        let evaluator = fields.parse::<PartyName>("evaluator", &message.evaluator);
        let policies =
            fields.list::<PoolPolicy>("policies", message.policies, 1..=POOL_POLICIES_MAX);
        if let Some(policies) = &policies {
            fields.ascending("policies", policies, |policy| policy.from_period);
        }
        let validation_hash = fields.optional_bytes("validation_hash", &message.validation_hash);
        Some(Self {
            name: name?,
            payer: payer?,
            currency: currency?,
            period_kind: period_kind?,
            evaluator: evaluator?,
            policies: policies?,
            validation_hash,
        })
    }
}

impl From<&OpenPool> for proto::OpenPool {
    fn from(pool: &OpenPool) -> Self {
        let validation_hash = pool.validation_hash.as_ref();
        Self {
            name: pool.name.as_str().to_owned(),
            payer: pool.payer.as_str().to_owned(),
            currency_code: pool.currency.code().to_owned(),
            period_kind: pool.period_kind.number(),
            evaluator: pool.evaluator.as_str().to_owned(),
            policies: pool.policies.iter().map(Into::into).collect(),
            validation_hash: validation_hash
                .map(|hash| bytes_of(&hash.0))
                .unwrap_or_default(),
        }
    }
}

impl Read for DeclareUse {
    type Message = proto::DeclareUse;

    fn read(message: proto::DeclareUse, fields: &mut Fields<'_>) -> Option<Self> {
        let pool = fields.parse::<PoolName>("pool", &message.pool);
        let period = fields.parse::<Period>("period", &message.period);
        let mode = fields.choice("mode", message.mode);
        let class = fields.choice("use_class", message.use_class);
        let use_list = fields.bytes("use_list", &message.use_list);
        Some(Self {
            pool: pool?,
            period: period?,
            mode: mode?,
            class: class?,
            use_list: use_list?,
        })
    }
}

impl From<&DeclareUse> for proto::DeclareUse {
    fn from(declaration: &DeclareUse) -> Self {
        Self {
            pool: declaration.pool.as_str().to_owned(),
            period: declaration.period.to_string(),
            mode: declaration.mode.number(),
            use_class: declaration.class.number(),
            use_list: bytes_of(&declaration.use_list.0),
        }
    }
}

impl Read for PostRevenue {
    type Message = proto::PostRevenue;

    fn read(message: proto::PostRevenue, fields: &mut Fields<'_>) -> Option<Self> {
        let pool = fields.parse::<PoolName>("pool", &message.pool);
        let period = fields.parse::<Period>("period", &message.period);
        let kind = fields.choice("kind", message.kind);
        let amount = read_amount(fields, "amount", message.amount, 1);
        let reference = fields.reference("reference", message.reference);
        Some(Self {
            pool: pool?,
            period: period?,
            kind: kind?,
            amount: amount?,
            reference,
        })
    }
}

impl From<&PostRevenue> for proto::PostRevenue {
    fn from(revenue: &PostRevenue) -> Self {
        Self {
            pool: revenue.pool.as_str().to_owned(),
            period: revenue.period.to_string(),
            kind: revenue.kind.number(),
            amount: Some((&revenue.amount).into()),
            reference: revenue.reference.clone(),
        }
    }
}

impl Read for FreezePeriod {
    type Message = proto::FreezePeriod;

    fn read(message: proto::FreezePeriod, fields: &mut Fields<'_>) -> Option<Self> {
        let pool = fields.parse::<PoolName>("pool", &message.pool);
        let period = fields.parse::<Period>("period", &message.period);
        Some(Self {
            pool: pool?,
            period: period?,
        })
    }
}

impl From<&FreezePeriod> for proto::FreezePeriod {
    fn from(freeze: &FreezePeriod) -> Self {
        Self {
            pool: freeze.pool.as_str().to_owned(),
            period: freeze.period.to_string(),
        }
    }
}

impl Read for Settle {
    type Message = proto::Settle;

    fn read(message: proto::Settle, fields: &mut Fields<'_>) -> Option<Self> {
        let pool = fields.parse::<PoolName>("pool", &message.pool);
        let period = fields.parse::<Period>("period", &message.period);
        let valuation = fields.bytes("valuation", &message.valuation);
        let result_hash = fields.bytes("result_hash", &message.result_hash);
        Some(Self {
            pool: pool?,
            period: period?,
            valuation: valuation?,
            result_hash: result_hash?,
        })
    }
}

impl From<&Settle> for proto::Settle {
    fn from(settlement: &Settle) -> Self {
        Self {
            pool: settlement.pool.as_str().to_owned(),
            period: settlement.period.to_string(),
            valuation: bytes_of(&settlement.valuation.0),
            result_hash: bytes_of(&settlement.result_hash.0),
        }
    }
}
