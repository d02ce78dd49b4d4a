//! `fenrun contribution grant`.

use crate::cli::recorded::RecordedReport;
use crate::cli::{CommandError, Context};
use crate::domain::{ContentHash, GrantUse, GrantedPolicy, Grantee, PartyName, Period};

/// Allows a pool to use a contribution, or a party to derive from it
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// A name such as school/digits@2, an id, or at least 8 digits of one
    #[arg(value_name = "CONTRIBUTION")]
    contribution: String,
    #[command(flatten)]
    grantee: GranteeArgs,
    /// Only under the policy with this hash [default: under any policy]
    #[arg(long, value_name = "HASH", requires = "pool")]
    policy: Option<ContentHash>,
    /// The first period that the grant covers
    #[arg(long, value_name = "PERIOD")]
    from: Period,
}

/// Whom a grant is for.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct GranteeArgs {
    /// The pool
    #[arg(long, value_name = "POOL")]
    pool: Option<String>,
    /// The party that may derive
    #[arg(long, value_name = "PARTY")]
    child: Option<PartyName>,
}

impl GranteeArgs {
    pub(super) fn grantee(&self) -> Result<Grantee, CommandError> {
        match (&self.pool, &self.child) {
            (Some(pool), _) => Ok(Grantee::Pool(crate::cli::choices::pool_name(pool)?)),
            (None, Some(child)) => Ok(Grantee::ChildParty(child.clone())),
            (None, None) => Err(CommandError::input("--pool or --child is needed")),
        }
    }
}

/// Names a grantee for people.
pub(super) fn shown(grantee: &Grantee) -> String {
    match grantee {
        Grantee::Pool(pool) => format!("pools/{pool}"),
        Grantee::ChildParty(party) => party.to_string(),
    }
}

pub(super) async fn run(args: Args, context: &mut Context<'_, '_>) -> Result<(), CommandError> {
    let grantee = args.grantee.grantee()?;
    let session = context.session().await?;
    let contribution = session
        .connection()
        .contribution(&args.contribution)
        .await?;
    let what = format!("{} is granted to {}", contribution.name, shown(&grantee));
    let action = GrantUse {
        contribution: contribution.id,
        grantee,
        policy: args.policy.map_or(GrantedPolicy::Any, GrantedPolicy::Only),
        from_period: args.from,
    };
    let recorded = session.submit(action).await?;
    context.show(&RecordedReport::new(what, &recorded))
}
