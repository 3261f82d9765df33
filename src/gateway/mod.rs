//! What gateways ask: whether a key is good for an API. Answered from memory, which is at most half a second behind the database.
//! A key is good while its subscription is active and not past its end, its owner is active, and its product contains the API.

pub mod address;
pub mod api;
mod known;
mod memory;
mod store;

pub use known::{Asked, Known, Let};
pub use memory::Memory;

use crate::{db::Database, error::Error, subscriptions::State, users::UserState};

/// Why somebody is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The gateway itself: no token, a damaged one, an unknown one, one that has ended.
    NoToken,
    DamagedToken,
    UnknownToken,
    EndedToken,
    NoKey,
    UnknownKey,
    /// The subscription's state, when it is not active.
    Subscription(State),
    /// The owner's state, when it is not active.
    Owner(UserState),
    NoSuchApi,
    NotInProduct,
    /// Gateway and API could understand the address differently.
    Ambiguous,
    /// The gateway names no API.
    NoAddress,
}

impl Refusal {
    /// Stable: programs may rely on it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoToken => "no-token",
            Self::DamagedToken => "damaged-token",
            Self::UnknownToken => "unknown-token",
            Self::EndedToken => "ended-token",
            Self::NoKey => "no-key",
            Self::UnknownKey => "unknown-key",
            Self::Subscription(state) => state.as_str(),
            Self::Owner(UserState::Blocked) => "owner-blocked",
            Self::Owner(UserState::Pending) => "owner-pending",
            Self::Owner(_) => "owner-deleted",
            Self::NoSuchApi => "no-such-api",
            Self::NotInProduct => "not-in-product",
            Self::Ambiguous => "ambiguous-address",
            Self::NoAddress => "no-address",
        }
    }

    pub fn message(self) -> &'static str {
        match self {
            Self::NoToken => "The gateway sent no token: it goes into the header Authorization, as in “Bearer portico_gw_…”.",
            Self::DamagedToken => "The gateway’s token is not whole: it was mistyped or cut off.",
            Self::UnknownToken => "The gateway’s token is not known here, or was revoked.",
            Self::EndedToken => "The gateway’s token has ended.",
            Self::NoKey => "This API needs a subscription key.",
            Self::UnknownKey => "This subscription key is not known.",
            Self::Subscription(State::Submitted) => "The subscription waits for approval.",
            Self::Subscription(State::Suspended) => "The subscription is suspended.",
            Self::Subscription(State::Rejected) => "The subscription was rejected.",
            Self::Subscription(State::Cancelled) => "The subscription was cancelled.",
            Self::Subscription(_) => "The subscription has expired.",
            Self::Owner(UserState::Blocked) => "The subscription’s owner is blocked.",
            Self::Owner(UserState::Pending) => "The subscription’s owner has not confirmed their account.",
            Self::Owner(_) => "The subscription’s owner was deleted.",
            Self::NoSuchApi => "There is no API at this address.",
            Self::NotInProduct => "The subscription’s product does not contain this API.",
            Self::Ambiguous => "This address can be understood in more than one way.",
            Self::NoAddress => "The gateway named no API: send X-Original-URI, X-Forwarded-Uri or X-Portico-Api.",
        }
    }
}

/// Removes what no process needs any more of what changed.
pub async fn tidy(db: &Database) -> Result<(), Error> {
    let mut tx = db.write().await?;
    store::forget_old_changes(&mut tx).await?;
    tx.commit().await
}
