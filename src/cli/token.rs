//! `portico token`: what the Tokens page does, for whoever runs the portal.

use clap::Subcommand;

use super::said;
use crate::{
    app::Portal,
    auth::{
        self,
        tokens::{self, NewToken},
    },
    error::Error,
};

#[derive(Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it, this once, alone on standard output
    Create {
        /// Which program uses it
        #[arg(long)]
        name: String,
        /// What it is for: gateway (to ask whether a subscription key is good), read or write (by the management API)
        #[arg(long)]
        scope: String,
        /// The last day on which it works (UTC), as in 2026-12-31 [default: until it is revoked]
        #[arg(long, value_name = "DAY", default_value = "", hide_default_value = true)]
        last_day: String,
        /// How many days it works, today among them
        #[arg(long, value_name = "NUMBER", conflicts_with = "last_day", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        days: Option<u32>,
    },
    /// List the tokens, without the tokens themselves
    List,
    /// End a token for good
    Revoke {
        #[arg(long)]
        name: String,
    },
}

pub(super) async fn run(portal: &Portal, command: TokenCommand) -> Result<(), String> {
    let operator = auth::operator();
    match command {
        TokenCommand::Create { name, scope, last_day, days } => {
            let last_day = days.map_or(last_day, |days| tokens::last_day_in(days, portal.db.now()));
            let new = NewToken { display_name: name, scope, last_day };
            let made = tokens::create(&portal.db, &operator, &new).await.map_err(said)?;
            say!("{}", made.secret);
            eprintln!("Made the token {}. It is shown this once.", made.token.display_name);
        }
        TokenCommand::List => {
            let mut connection = portal.db.read().await.map_err(said)?;
            for token in tokens::list(&mut connection).await.map_err(said)? {
                let at = |at: Option<crate::db::Instant>| at.map_or_else(|| "never".to_owned(), crate::db::Instant::rfc3339);
                let by = if token.made_by.is_empty() { "command line" } else { &token.made_by };
                let made = token.created_at.rfc3339();
                let (used, ends) = (at(token.last_used_at), at(token.expires_at));
                say!("{}\t{}\tmade {made} by {by}\tlast used {used}\tends {ends}", token.display_name, token.scope);
            }
        }
        TokenCommand::Revoke { name } => {
            let mut connection = portal.db.read().await.map_err(said)?;
            let found = tokens::find_by_words(&mut connection, &name).await.map_err(said)?;
            drop(connection);
            let token = found.ok_or_else(|| format!("there is no token called {name}"))?;
            match tokens::revoke(&portal.db, &operator, &token.name).await {
                Err(Error::NotFound) => say!("{} was revoked already", token.display_name),
                outcome => {
                    outcome.map_err(said)?;
                    say!("Revoked {}", token.display_name);
                }
            }
        }
    }
    Ok(())
}
