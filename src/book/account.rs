//! Accounts: a kind, whose it is, and a currency; known by the name `kind/holder/currency`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::{Currency, PartyName, PoolName};

/// On which side of zero a balance may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Zero or above: something is owed, or set aside.
    Credit,
    /// Zero or below: something is had, or is owed to the ledger's parties.
    Debit,
    /// Both.
    Either,
}

impl Side {
    /// Says whether a balance may stand there.
    pub fn allows(self, balance: i64) -> bool {
        match self {
            Self::Credit => balance >= 0,
            Self::Debit => balance <= 0,
            Self::Either => true,
        }
    }
}

macro_rules! account_kinds {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$kind_doc:meta])* $kind:ident, $text:literal, $side:ident;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$kind_doc])* $kind,)*
        }

        impl $name {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Returns the first part of the account's name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $text,)*
                }
            }

            /// Returns where the balance may stand.
            pub fn side(self) -> Side {
                match self {
                    $(Self::$kind => Side::$side,)*
                }
            }

            fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
            }
        }
    };
}

account_kinds! {
    /// The accounts of a pool.
    PoolAccount {
        /// The money that came in and did not go back.
        Cash, "cash", Either;
        /// What came in, less what went back, of periods that are not settled.
        Revenue, "revenue", Either;
        /// What the settled periods were short of: the payer owes it, and no provider does.
        Deficit, "pool-deficit", Debit;
        /// What a regulated ceiling has kept back.
        OverRecovery, "over-recovery", Credit;
        /// What the next run shares on top of its own.
        ProfitLayer, "profit-layer", Credit;
        /// What the operator took.
        OperatorFee, "operator-fee", Credit;
        /// What was set aside in the public interest.
        PublicInterest, "public-interest", Credit;
    }
}

account_kinds! {
    /// The accounts of a party.
    PartyAccount {
        /// What can be paid out.
        Payable, "payable", Credit;
        /// What waits for a later run because it was below the least payout.
        Carried, "carried", Credit;
        /// The contested part of its costs.
        HeldCost, "held-cost", Credit;
        /// The contested part of its profit.
        HeldProfit, "held-profit", Credit;
        /// What was set aside for later corrections.
        Reserve, "reserve", Credit;
        /// What was withheld for the tax authority.
        Tax, "tax", Credit;
        /// What is on its way to it in payouts that are neither settled nor failed.
        Paying, "paying", Credit;
        /// What was paid to it: with the cash of all pools it says what is still at hand.
        Paid, "paid", Credit;
    }
}

account_kinds! {
    /// The accounts of a beneficial owner.
    OwnerAccount {
        /// What it owes.
        Debt, "debt", Debit;
    }
}

/// Whose account it is, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A pool's.
    Pool(PoolAccount, PoolName),
    /// A party's.
    Party(PartyAccount, PartyName),
    /// A beneficial owner's.
    Owner(OwnerAccount, PartyName),
}

/// Why a text is not the name of an account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an account is named kind/holder/currency, such as payable/school/CNY; not {text:?}")]
pub struct AccountError {
    /// The text as given, cut to 200 characters.
    pub text: String,
}

/// An account in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Account {
    /// Whose it is, and what of it.
    pub holder: Holder,
    /// The currency.
    pub currency: Currency,
}

impl Account {
    /// Returns an account of a pool.
    pub fn of_pool(kind: PoolAccount, pool: &PoolName, currency: Currency) -> Self {
        let holder = Holder::Pool(kind, pool.clone());
        Self { holder, currency }
    }

    /// Returns an account of a party.
    pub fn of_party(kind: PartyAccount, party: &PartyName, currency: Currency) -> Self {
        let holder = Holder::Party(kind, party.clone());
        Self { holder, currency }
    }

    /// Returns an account of a beneficial owner.
    pub fn of_owner(kind: OwnerAccount, owner: &PartyName, currency: Currency) -> Self {
        let holder = Holder::Owner(kind, owner.clone());
        Self { holder, currency }
    }

    /// Returns where the balance may stand.
    pub fn side(&self) -> Side {
        match &self.holder {
            Holder::Pool(kind, _) => kind.side(),
            Holder::Party(kind, _) => kind.side(),
            Holder::Owner(kind, _) => kind.side(),
        }
    }

    /// Returns the first part of the name.
    pub fn kind(&self) -> &'static str {
        match &self.holder {
            Holder::Pool(kind, _) => kind.as_str(),
            Holder::Party(kind, _) => kind.as_str(),
            Holder::Owner(kind, _) => kind.as_str(),
        }
    }

    /// Returns the second part of the name.
    pub fn holder_name(&self) -> &str {
        match &self.holder {
            Holder::Pool(_, pool) => pool.as_str(),
            Holder::Party(_, party) | Holder::Owner(_, party) => party.as_str(),
        }
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            self.kind(),
            self.holder_name(),
            self.currency
        )
    }
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        read(text).ok_or_else(|| AccountError {
            text: text.chars().take(200).collect(),
        })
    }
}

fn read(text: &str) -> Option<Account> {
    let (kind, rest) = text.split_once('/')?;
    let (holder, currency) = rest.split_once('/')?;
    let currency = currency.parse().ok()?;
    let holder = if let Some(kind) = PoolAccount::parse(kind) {
        Holder::Pool(kind, holder.parse().ok()?)
    } else if let Some(kind) = PartyAccount::parse(kind) {
        Holder::Party(kind, holder.parse().ok()?)
    } else {
        Holder::Owner(OwnerAccount::parse(kind)?, holder.parse().ok()?)
    };
    Some(Account { holder, currency })
}

impl TryFrom<String> for Account {
    type Error = AccountError;

    fn try_from(text: String) -> Result<Self, AccountError> {
        text.parse()
    }
}

impl From<Account> for String {
    fn from(account: Account) -> Self {
        account.to_string()
    }
}

/// Accounts order by their names, as lists show them.
impl Ord for Account {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.to_string().cmp(&other.to_string())
    }
}

impl PartialOrd for Account {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
