//! SQL of the one row that says what the site is called and how it looks.

use super::Site;
use crate::{
    db::{Connection, Transaction, run},
    error::Error,
};

#[derive(sqlx::FromRow)]
struct Row {
    catalog_version: i64,
    #[sqlx(flatten)]
    site: Site,
}

/// One statement, so that the version is that of what was read.
pub(super) async fn read(connection: &mut Connection) -> Result<(i64, Site), Error> {
    let row = run!(connection, c => sqlx::query_as::<_, Row>(
        "select (select version from catalog_version) as catalog_version, name, accent, home, links,
                logo_hash, logo_kind, logo_width, logo_height, logo_bytes, version from site")
        .fetch_one(c).await?);
    Ok((row.catalog_version, row.site))
}

pub(super) async fn name(connection: &mut Connection) -> Result<String, Error> {
    Ok(run!(connection, c => sqlx::query_scalar::<_, String>("select name from site").fetch_one(c).await?))
}

/// False when it is at another version.
pub(super) async fn update(tx: &mut Transaction, version: i64, site: &Site) -> Result<bool, Error> {
    let connection: &mut Connection = tx;
    Ok(run!(connection, c => sqlx::query(
        "update site set name = $1, accent = $2, home = $3, links = $4, logo_hash = $5, logo_kind = $6, logo_width = $7, logo_height = $8,
                logo_bytes = $9, version = version + 1 where version = $10")
        .bind(&site.name).bind(&site.accent).bind(&site.home).bind(&site.links).bind(&site.logo_hash).bind(&site.logo_kind)
        .bind(site.logo_width).bind(site.logo_height).bind(site.logo_bytes).bind(version)
        .execute(c).await?.rows_affected())
        == 1)
}

pub(super) async fn set_logo(tx: &mut Transaction, logo: Option<&[u8]>) -> Result<(), Error> {
    let connection: &mut Connection = tx;
    run!(connection, c => sqlx::query("update site set logo = $1").bind(logo).execute(c).await?.rows_affected());
    Ok(())
}

/// The logo's bytes, and of which kind they are.
#[derive(sqlx::FromRow)]
pub struct LogoFile {
    pub logo_kind: String,
    pub logo: Vec<u8>,
}

/// The logo of this hash, while it is the site's.
pub async fn find_logo(connection: &mut Connection, hash: &str) -> Result<Option<LogoFile>, Error> {
    Ok(run!(connection, c => sqlx::query_as::<_, LogoFile>("select logo_kind, logo from site where logo_hash = $1 and logo is not null")
        .bind(hash).fetch_optional(c).await?))
}
