//! Contributions and consent: recording, withdrawing, granting and revoking use.

use super::choices::Choice;
use super::fields::{Fields, Read};
use super::proto;
use super::values::bytes_of;
use crate::domain::{
    BULK_MAX, ContributionTerms, DatasetName, GrantUse, GrantedPolicy, Grantee, Licence,
    PARENTS_MAX, Parent, PartyName, Period, PoolName, RecordContribution, RecordContributions,
    RevokeUse, VERSION_MAX, WithdrawContribution,
};

impl Read for Parent {
    type Message = proto::Parent;

    fn read(message: proto::Parent, fields: &mut Fields<'_>) -> Option<Self> {
        let contribution = fields.bytes("contribution", &message.contribution);
        let upstream_bps = fields.basis_points("upstream_bps", message.upstream_bps);
        Some(Self {
            contribution: contribution?,
            upstream_bps,
        })
    }
}

impl From<&Parent> for proto::Parent {
    fn from(parent: &Parent) -> Self {
        Self {
            contribution: bytes_of(&parent.contribution.0),
            upstream_bps: parent.upstream_bps,
        }
    }
}

impl Read for ContributionTerms {
    type Message = proto::ContributionTerms;

    fn read(message: proto::ContributionTerms, fields: &mut Fields<'_>) -> Option<Self> {
        use proto::contribution_terms::Licence as Sent;
        let pools = fields.choice("pools", message.pools);
        let derivation = fields.choice("derivation", message.derivation);
        let upstream_bps_min = fields.basis_points("upstream_bps_min", message.upstream_bps_min);
        let licence = match message.licence {
            Some(Sent::LicenceSpdx(text)) => {
                let text = fields.text("licence_spdx", text);
                let parsed = spdx::Expression::parse(&text);
                if let Err(error) = &parsed {
                    let reason = error.reason.to_string();
                    fields.wrong("licence_spdx", format!("is no SPDX expression: {reason}"));
                }
                parsed.is_ok().then_some(Licence::Spdx(text))
            }
            Some(Sent::LicenceHash(hash)) => fields.bytes("licence_hash", &hash).map(Licence::Text),
            None => {
                fields.wrong("licence", "is required: licence_spdx or licence_hash");
                None
            }
        };
        Some(Self {
            pools: pools?,
            derivation: derivation?,
            upstream_bps_min,
            licence: licence?,
        })
    }
}

impl From<&ContributionTerms> for proto::ContributionTerms {
    fn from(terms: &ContributionTerms) -> Self {
        use proto::contribution_terms::Licence as Sent;
        Self {
            pools: terms.pools.number(),
            derivation: terms.derivation.number(),
            upstream_bps_min: terms.upstream_bps_min,
            licence: Some(match &terms.licence {
                Licence::Spdx(text) => Sent::LicenceSpdx(text.clone()),
                Licence::Text(hash) => Sent::LicenceHash(bytes_of(&hash.0)),
            }),
        }
    }
}

impl Read for RecordContribution {
    type Message = proto::RecordContribution;

    fn read(message: proto::RecordContribution, fields: &mut Fields<'_>) -> Option<Self> {
        let dataset = fields.parse::<DatasetName>("dataset", &message.dataset);
        let version = fields.within("version", message.version, &(1..=VERSION_MAX), "");
        let kind = fields.choice("kind", message.kind);
        let content_hash = fields.bytes("content_hash", &message.content_hash);
        let parents = fields.list::<Parent>("parents", message.parents, 0..=PARENTS_MAX);
        if let Some(parents) = &parents {
            fields.ascending("parents", parents, |parent| parent.contribution);
        }
        let terms = fields.message("terms", message.terms);
        let description = fields.text("description", message.description);
        Some(Self {
            dataset: dataset?,
            version,
            kind: kind?,
            content_hash: content_hash?,
            content_bytes: message.content_bytes,
            rows: message.rows,
            parents: parents?,
            terms: terms?,
            description,
        })
    }
}

impl From<&RecordContribution> for proto::RecordContribution {
    fn from(contribution: &RecordContribution) -> Self {
        Self {
            dataset: contribution.dataset.as_str().to_owned(),
            version: contribution.version,
            kind: contribution.kind.number(),
            content_hash: bytes_of(&contribution.content_hash.0),
            content_bytes: contribution.content_bytes,
            rows: contribution.rows,
            parents: contribution.parents.iter().map(Into::into).collect(),
            terms: Some((&contribution.terms).into()),
            description: contribution.description.clone(),
        }
    }
}

impl Read for RecordContributions {
    type Message = proto::RecordContributions;

    fn read(message: proto::RecordContributions, fields: &mut Fields<'_>) -> Option<Self> {
        let contributions = fields.list("contributions", message.contributions, 1..=BULK_MAX)?;
        Some(Self { contributions })
    }
}

impl From<&RecordContributions> for proto::RecordContributions {
    fn from(bulk: &RecordContributions) -> Self {
        Self {
            contributions: bulk.contributions.iter().map(Into::into).collect(),
        }
    }
}

impl Read for WithdrawContribution {
    type Message = proto::WithdrawContribution;

    fn read(message: proto::WithdrawContribution, fields: &mut Fields<'_>) -> Option<Self> {
        let contribution = fields.bytes("contribution", &message.contribution);
        let from_period = fields.parse::<Period>("from_period", &message.from_period);
        let reason = fields.text("reason", message.reason);
        Some(Self {
            contribution: contribution?,
            from_period: from_period?,
            reason,
        })
    }
}

impl From<&WithdrawContribution> for proto::WithdrawContribution {
    fn from(withdrawal: &WithdrawContribution) -> Self {
        Self {
            contribution: bytes_of(&withdrawal.contribution.0),
            from_period: withdrawal.from_period.to_string(),
            reason: withdrawal.reason.clone(),
        }
    }
}

impl Read for GrantUse {
    type Message = proto::GrantUse;

    fn read(message: proto::GrantUse, fields: &mut Fields<'_>) -> Option<Self> {
        use proto::grant_use::Grantee as Sent;
        let contribution = fields.bytes("contribution", &message.contribution);
        let grantee = match message.grantee {
            Some(Sent::Pool(name)) => read_pool(fields, &name),
            Some(Sent::ChildParty(name)) => read_child_party(fields, &name),
            None => no_grantee(fields),
        };
        let policy = match &grantee {
            Some(Grantee::ChildParty(_)) if message.policy.is_some() => {
                fields.wrong("policy", "is left out where the grant is for a party");
                None
            }
            Some(Grantee::ChildParty(_)) => Some(GrantedPolicy::Any),
            Some(Grantee::Pool(_)) | None => read_granted_policy(fields, message.policy),
        };
        let from_period = fields.parse::<Period>("from_period", &message.from_period);
        Some(Self {
            contribution: contribution?,
            grantee: grantee?,
            policy: policy?,
            from_period: from_period?,
        })
    }
}

fn read_granted_policy(
    fields: &mut Fields<'_>,
    policy: Option<proto::grant_use::Policy>,
) -> Option<GrantedPolicy> {
    use proto::grant_use::Policy as Sent;
    match policy {
        Some(Sent::PolicyHash(hash)) => fields.bytes("policy_hash", &hash).map(GrantedPolicy::Only),
        Some(Sent::AnyPolicy(true)) => Some(GrantedPolicy::Any),
        Some(Sent::AnyPolicy(false)) => {
            fields.wrong("any_policy", "is true where it stands");
            None
        }
        None => {
            fields.wrong("policy", "is required: policy_hash or any_policy");
            None
        }
    }
}

fn read_pool(fields: &mut Fields<'_>, name: &str) -> Option<Grantee> {
    fields.parse::<PoolName>("pool", name).map(Grantee::Pool)
}

fn read_child_party(fields: &mut Fields<'_>, name: &str) -> Option<Grantee> {
    let party = fields.parse::<PartyName>("child_party", name);
    party.map(Grantee::ChildParty)
}

fn no_grantee(fields: &mut Fields<'_>) -> Option<Grantee> {
    fields.wrong("grantee", "is required: pool or child_party");
    None
}

impl From<&GrantUse> for proto::GrantUse {
    fn from(grant: &GrantUse) -> Self {
        use proto::grant_use::{Grantee as SentGrantee, Policy as SentPolicy};
        let (grantee, policy) = match (&grant.grantee, &grant.policy) {
            (Grantee::ChildParty(name), _) => {
                (SentGrantee::ChildParty(name.as_str().to_owned()), None)
            }
            (Grantee::Pool(name), policy) => {
                let policy = match policy {
                    GrantedPolicy::Any => SentPolicy::AnyPolicy(true),
                    GrantedPolicy::Only(hash) => SentPolicy::PolicyHash(bytes_of(&hash.0)),
                };
                (SentGrantee::Pool(name.as_str().to_owned()), Some(policy))
            }
        };
        Self {
            contribution: bytes_of(&grant.contribution.0),
            grantee: Some(grantee),
            policy,
            from_period: grant.from_period.to_string(),
        }
    }
}

impl Read for RevokeUse {
    type Message = proto::RevokeUse;

    fn read(message: proto::RevokeUse, fields: &mut Fields<'_>) -> Option<Self> {
        use proto::revoke_use::Grantee as Sent;
        let contribution = fields.bytes("contribution", &message.contribution);
        let grantee = match message.grantee {
            Some(Sent::Pool(name)) => read_pool(fields, &name),
            Some(Sent::ChildParty(name)) => read_child_party(fields, &name),
            None => no_grantee(fields),
        };
        let from_period = fields.parse::<Period>("from_period", &message.from_period);
        Some(Self {
            contribution: contribution?,
            grantee: grantee?,
            from_period: from_period?,
        })
    }
}

impl From<&RevokeUse> for proto::RevokeUse {
    fn from(revocation: &RevokeUse) -> Self {
        use proto::revoke_use::Grantee as Sent;
        Self {
            contribution: bytes_of(&revocation.contribution.0),
            grantee: Some(match &revocation.grantee {
                Grantee::Pool(name) => Sent::Pool(name.as_str().to_owned()),
                Grantee::ChildParty(name) => Sent::ChildParty(name.as_str().to_owned()),
            }),
            from_period: revocation.from_period.to_string(),
        }
    }
}
