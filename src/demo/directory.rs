//! The directory of one of the sample's customers: a provider, switched off since nobody answers at its address, and two of its groups.

use super::Member;
use crate::{
    auth::{self, Administrator},
    db::Transaction,
    error::Error,
    groups::{self, NewExternal, Reporter},
    ids::UserId,
    keys::Keys,
    products::{self, VisibilityChange},
    providers::{self, Kind, NewProvider},
};

const TENANT: &str = "5d1c9a40-6b2e-4c7f-9d53-0a6e2f81b7c4";
const DOMAIN: &str = "@woodgrove.example";

/// External id, name there, the product that is open to it, and which of the people are in it: every so many of them.
const GROUPS: [(&str, &str, &str, usize); 2] = [
    ("b0f4e6d2-93a1-4f0d-8a57-c1e27d640f35", "WGB Treasury Developers", "woodgrove-settlement", 2),
    ("27c8d9be-1f64-4a83-b5d0-7e90ac3142f8", "WGB Payments Engineering", "payments-live", 3),
];

pub(super) async fn add(tx: &mut Transaction, keys: &Keys, system: &Administrator, people: &[Member]) -> Result<(), Error> {
    let new = NewProvider {
        display_name: "Woodgrove Bank".to_owned(),
        issuer: format!("https://login.microsoftonline.com/{TENANT}/v2.0"),
        client_id: "9e3b7f52-08d4-4d6a-a1c9-54f06b7e2d18".to_owned(),
        client_secret: "put your own here".to_owned(),
        directory: String::new(),
        allowed_tenants: TENANT.to_owned(),
        allowed_domains: DOMAIN.to_owned(),
        new_people: Some("on".to_owned()),
        enabled: None,
        ..NewProvider::of_kind(Kind::Entra)
    };
    let provider = providers::create_in(tx, keys, system, &new).await?;
    let reporter = Reporter { provider: provider.id, name: &provider.name, tenant: TENANT };
    let admin = auth::provider(&provider.display_name);
    let theirs: Vec<UserId> =
        people.iter().map(|member| &member.person).filter(|person| person.email.ends_with(DOMAIN)).map(|person| person.id).collect();
    for (external_id, display_name, product, every) in GROUPS {
        let address = provider.group_address(TENANT, external_id);
        let new = NewExternal { provider: &provider.name, tenant: TENANT, external_id, name_there: display_name, address: &address };
        let (_, group) = groups::add_external(tx, system, new, None).await?;
        products::set_visibility_in(tx, system, product, &[VisibilityChange::new(&group.name, true)]).await?;
        let members: Vec<UserId> = theirs.iter().copied().step_by(every).collect();
        groups::report_group(tx, &admin, reporter, group.id, Some((display_name, &members))).await?;
    }
    Ok(())
}
