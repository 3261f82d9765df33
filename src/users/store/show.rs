//! SQL of a user's page: the groups to tick, the subscriptions.

use crate::{
    db::{Connection, Instant, run},
    error::Error,
    groups::GroupMark,
    ids::{self, SubscriptionId, UserId},
};

/// A group as a tick box on a user's page.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct GroupBox {
    pub name: String,
    pub display_name: String,
    /// `custom` or `external`.
    pub kind: String,
    /// In it by hand: the tick.
    pub by_hand: bool,
    /// In it by another source, which a tick does not change.
    pub otherwise: bool,
}

impl GroupBox {
    pub fn path(&self) -> String {
        format!("/publisher/groups/{}", ids::encode(&self.name))
    }

    /// A group nobody of the form is in, for a new user.
    pub fn ticked(mark: &GroupMark, ticked: bool) -> Self {
        let GroupMark { name, display_name, kind, .. } = mark.clone();
        Self { name, display_name, kind, by_hand: ticked, otherwise: false }
    }
}

/// Boxes of a page; a group beyond them is reached on its own page.
const BOXES: i64 = 500;

/// Custom groups by name, and the external ones that the user is in. Every group that the user is in is there.
pub async fn boxes(connection: &mut Connection, user: UserId, now: Instant) -> Result<Vec<GroupBox>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, GroupBox>(
        "select g.name, g.display_name, g.kind,
                exists (select 1 from memberships m where m.user_id = $1 and m.group_id = g.id and m.source = 'hand'
                        and m.from_at <= $2 and (m.until_at is null or m.until_at > $2)) as by_hand,
                exists (select 1 from memberships m where m.user_id = $1 and m.group_id = g.id and m.source <> 'hand'
                        and m.from_at <= $2 and (m.until_at is null or m.until_at > $2)) as otherwise
         from groups g
         where g.id in (select m.group_id from memberships m where m.user_id = $1 and m.from_at <= $2 and (m.until_at is null or m.until_at > $2))
            or g.id in (select f.id from (select id from groups where kind = 'custom' order by display_name_folded limit $3) f)
         order by g.kind, g.display_name_folded")
        .bind(user).bind(now).bind(BOXES).fetch_all(c).await?))
}

/// Whether nobody has chosen a password with a link to the user's address, or been given one with it.
pub async fn is_unconfirmed(connection: &mut Connection, user: UserId) -> Result<bool, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, i64>(
        "select count(*) from users where id = $1 and (state = 'pending' or (password_hash is null and id not in (select i.user_id from identities i)
            and id not in (select s.user_id from scim_users s where s.gone_at is null)))").bind(user).fetch_one(c).await?)
        > 0)
}

/// A subscription, as its owner's page lists it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Held {
    pub id: SubscriptionId,
    pub display_name: String,
    pub state: String,
    pub created_at: Instant,
    pub product_name: String,
    pub product: String,
}

impl Held {
    pub fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "submitted" | "active" | "suspended")
    }

    pub fn product_path(&self) -> String {
        format!("/publisher/products/{}", ids::encode(&self.product_name))
    }
}

/// The latest subscriptions of a user.
pub async fn subscriptions(connection: &mut Connection, user: UserId) -> Result<Vec<Held>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, Held>(
        "select s.id, s.display_name, s.state, s.created_at, p.name as product_name, p.display_name as product
         from subscriptions s join products p on p.id = s.product_id where s.owner_id = $1 order by s.id desc limit 100")
        .bind(user).fetch_all(c).await?))
}

/// How many subscriptions a user holds, and how many of them are active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct HeldCounts {
    pub all: i64,
    pub active: i64,
}

pub async fn count_subscriptions(connection: &mut Connection, user: UserId) -> Result<HeldCounts, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, HeldCounts>(
        "select count(*) as \"all\", count(case when state = 'active' then 1 end) as active from subscriptions where owner_id = $1")
        .bind(user).fetch_one(c).await?))
}
