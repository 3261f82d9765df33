//! SQL of users who are put in many at a time.

use crate::{
    db::{Kind, Select, Transaction},
    error::Error,
    ids,
    users::past::PastUser,
};

const COLUMNS: &[Kind] = &[
    Kind::Int,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Text,
    Kind::Bool,
    Kind::Text,
    Kind::Instant,
    Kind::Instant,
];

pub(in crate::users) async fn insert(tx: &mut Transaction, users: &[PastUser], password_hash: &str) -> Result<(), Error> {
    let row = |user: &PastUser| {
        let profile = &user.profile;
        let (sort, search) = super::folded(&profile.first_name, &profile.last_name, &profile.email);
        serde_json::json!([
            user.id,
            user.name,
            ids::fold(&user.name),
            profile.email,
            ids::fold(&profile.email),
            profile.first_name,
            profile.last_name,
            sort,
            search,
            user.state.as_str(),
            user.administrator,
            profile.note,
            user.registered_at.text(),
            user.last_sign_in_at.map(|at| at.text()),
        ])
    };
    let mut statement = Select::new(
        tx,
        "insert into users (password_hash, id, name, name_folded, email, email_folded, first_name, last_name, sort_folded, search_folded, state,
            administrator, note, registered_at, last_sign_in_at) select",
    );
    statement.bind(password_hash).sql(",").given(COLUMNS, serde_json::to_string(&users.iter().map(row).collect::<Vec<_>>())?);
    statement.execute(tx).await?;
    Ok(())
}
