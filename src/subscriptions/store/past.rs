//! SQL of subscriptions that are put in many at a time.

use super::SealedKey;
use crate::{
    db::{Instant, Kind, Select, Transaction},
    error::Error,
    ids,
    subscriptions::{State, past::PastSubscription},
};

const COLUMNS: &[Kind] = &[
    Kind::Int,
    Kind::Text,
    Kind::Text,
    Kind::Int,
    Kind::Int,
    Kind::Text,
    Kind::Text,
    Kind::Bytes,
    Kind::Bytes,
    Kind::Bytes,
    Kind::Bytes,
    Kind::Text,
    Kind::Instant,
    Kind::Instant,
    Kind::Instant,
    Kind::Instant,
    Kind::Instant,
    Kind::Text,
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(in crate::subscriptions) async fn insert(
    tx: &mut Transaction,
    rows: &[(&PastSubscription, SealedKey, SealedKey)],
) -> Result<(), Error> {
    let row = |(subscription, primary, secondary): &(&PastSubscription, SealedKey, SealedKey)| {
        let wanted = &subscription.wanted;
        let at = subscription.created_at.text();
        let started = matches!(wanted.state, State::Active | State::Suspended | State::Expired);
        serde_json::json!([
            subscription.id,
            subscription.name,
            ids::fold(&subscription.name),
            wanted.product,
            wanted.owner,
            wanted.display_name,
            wanted.state.as_str(),
            hex(&primary.sealed),
            hex(&primary.mac),
            hex(&secondary.sealed),
            hex(&secondary.mac),
            wanted.terms,
            wanted.terms.as_ref().map(|_| &at),
            at,
            started.then_some(&at),
            (!wanted.state.is_live()).then_some(&at),
            wanted.expires_at.map(Instant::text),
            ids::fold(&wanted.display_name),
        ])
    };
    let mut statement = Select::new(
        tx,
        "insert into subscriptions (id, name, name_folded, product_id, owner_id, display_name, state, primary_key, primary_mac, secondary_key,
            secondary_mac, terms_accepted, terms_accepted_at, created_at, started_at, ended_at, expires_at, display_name_folded) select",
    );
    statement.given(COLUMNS, serde_json::to_string(&rows.iter().map(row).collect::<Vec<_>>())?).execute(tx).await?;
    Ok(())
}
