//! The commands: serve, migrate, backup, admin, password-sign-in, token, demo. They parse, call the operations that pages call, and print.

use std::{
    io::{IsTerminal, Read},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    app::{self, Portal},
    auth,
    config::{self, Options, Settings},
    db::{self, Clock, Database},
    demo::{self, Numbers},
    error::Error,
    providers,
    users::{self, NewUser},
};

/// Prints a line; a reader that went away is no reason to stop serving.
macro_rules! say {
    ($($text:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($text)*)));
    }};
}

mod backup;
mod serve;
mod token;

#[derive(Parser)]
#[command(name = "portico", version, about = "A self-hosted web portal for API programmes", after_help = ENVIRONMENT)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Fill an empty database with a believable sample before serving
    #[arg(long)]
    demo: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

const ENVIRONMENT: &str = "Only in the environment, since flags can be read by others:
  PORTICO_SECRET_KEY      32 random bytes, base64: signs cookies and encrypts subscription keys
                          (openssl rand -base64 32). Without it SQLite makes portico.key beside
                          the database; PostgreSQL refuses to start.
  PORTICO_SMTP_URL        The mail server: smtps://USER:PASSWORD@HOST, or smtp://… with STARTTLS.
                          Without it mails are kept on the Mail page and told in the log.
  PORTICO_ADMIN_EMAIL     With PORTICO_ADMIN_PASSWORD: makes this administrator at the start,
  PORTICO_ADMIN_PASSWORD  if the portal has none yet.";

#[derive(Subcommand)]
enum Command {
    /// Serve the portal (what happens without a command)
    Serve,
    /// Bring the database to this program's version, and end
    Migrate,
    /// Write a copy of the SQLite database to a new file, also while the portal is serving
    Backup {
        /// A file that does not exist yet
        file: PathBuf,
    },
    /// Make administrators and take the role away
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Fill an empty database with a believable sample, and end; with numbers, with as much as is to be measured
    Demo(Size),
    /// Allow signing in with a password again, or no longer
    PasswordSignIn {
        #[arg(value_enum)]
        state: OnOff,
    },
    /// Make, list and revoke tokens for programs
    Token {
        #[command(subcommand)]
        command: token::TokenCommand,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum OnOff {
    On,
    Off,
}

/// How much is put in to be measured. Without any of these it is the sample that was written by hand.
#[derive(Args)]
struct Size {
    /// Users, the administrators among them [default: 1000, when another number is given]
    #[arg(long, value_name = "NUMBER")]
    users: Option<u64>,
    /// Custom groups [default: 20]
    #[arg(long, value_name = "NUMBER")]
    groups: Option<u64>,
    /// Products [default: 50]
    #[arg(long, value_name = "NUMBER")]
    products: Option<u64>,
    /// APIs, each with 3 to 20 operations [default: as many as products]
    #[arg(long, value_name = "NUMBER")]
    apis: Option<u64>,
    /// Memberships of users in groups [default: three a user, where there are so many groups]
    #[arg(long, value_name = "NUMBER")]
    memberships: Option<u64>,
    /// Subscriptions, where products can be subscribed to [default: one for two users]
    #[arg(long, value_name = "NUMBER")]
    subscriptions: Option<u64>,
    /// The same seed and numbers give the same rows [default: 1]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
}

impl Size {
    /// None when nothing was asked for.
    fn numbers(&self) -> Option<Numbers> {
        let given = [self.users, self.groups, self.products, self.apis, self.memberships, self.subscriptions, self.seed];
        if given.iter().all(Option::is_none) {
            return None;
        }
        let users = self.users.unwrap_or(1_000);
        let groups = self.groups.unwrap_or(20);
        let products = self.products.unwrap_or(50);
        Some(Numbers {
            users,
            groups,
            products,
            apis: self.apis.unwrap_or(products),
            memberships: self.memberships.unwrap_or(users.saturating_sub(3 + users / 50_000).saturating_mul(groups.min(3))),
            subscriptions: self.subscriptions.unwrap_or(users / 2),
            seed: self.seed.unwrap_or(1),
        })
    }
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Add a user who is an administrator
    Create {
        #[arg(long)]
        email: String,
        #[arg(long, default_value = "Portal")]
        first_name: String,
        #[arg(long, default_value = "Administrator")]
        last_name: String,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make an existing user an administrator
    Grant {
        #[arg(long)]
        email: String,
    },
    /// Take the role from an administrator, unless it is the last one
    Revoke {
        #[arg(long)]
        email: String,
    },
}

/// Runs the command line; a problem is one sentence on standard error, and exit code 1.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("portico: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(command(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("portico: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn command(arguments: Arguments) -> Result<(), String> {
    let options = Options { smtp_url: std::env::var("PORTICO_SMTP_URL").ok(), ..arguments.options.clone() };
    let settings = Settings::check(&options)?;
    start_log(&settings);
    let command = arguments.command.unwrap_or(Command::Serve);
    // Before the database is opened for work: a backup is taken before a newer program migrates, and makes no key.
    if let Command::Backup { file } = &command {
        return backup::write(&settings, file).await;
    }
    let secret = config::secret(&settings, std::env::var("PORTICO_SECRET_KEY").ok().as_deref())?;
    let db =
        Database::open(&settings.database_url, Clock::system()).await.map_err(|error| format!("the database cannot be opened: {error}"))?;
    db::migrate(&db).await?;
    let portal = app::portal(db, settings, &secret).map_err(|error| error.to_string())?;
    match command {
        Command::Serve => serve::serve(portal, arguments.demo).await,
        Command::Backup { .. } => Ok(()),
        Command::Migrate => {
            say!("The database is at this program's version.");
            Ok(())
        }
        Command::Admin { command } => admin(&portal, command).await,
        Command::PasswordSignIn { state } => password_sign_in(&portal, matches!(state, OnOff::On)).await,
        Command::Token { command } => token::run(&portal, command).await,
        Command::Demo(size) => fill_demo(&portal, size.numbers()).await,
    }
}

/// For people on a terminal, JSON for programs otherwise.
fn start_log(settings: &Settings) {
    use tracing_subscriber::{EnvFilter, fmt};
    let builder = fmt().with_env_filter(EnvFilter::new(&settings.log)).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.with_target(false).compact().init();
    } else {
        builder.json().flatten_event(true).init();
    }
}

async fn admin(portal: &Portal, command: AdminCommand) -> Result<(), String> {
    let operator = auth::operator();
    match command {
        AdminCommand::Create { email, first_name, last_name, password_stdin } => {
            if !password_stdin {
                return Err(
                    "give the password on standard input, with --password-stdin: on the command line others could read it".to_owned()
                );
            }
            let mut text = String::new();
            std::io::stdin().take(4096).read_to_string(&mut text).map_err(|error| format!("the password cannot be read: {error}"))?;
            let password = text.lines().next().unwrap_or("");
            let new = NewUser { email, first_name, last_name, note: String::new() };
            users::create_administrator(&portal.db, &operator, &portal.passwords, &new, password).await.map_err(said)?;
            say!("Made the administrator {}", new.email);
        }
        AdminCommand::Grant { email } => {
            let changed = users::grant_administrator(&portal.db, &operator, &email).await.map_err(said)?;
            say!("{email} {} an administrator", if changed { "is now" } else { "was already" });
        }
        AdminCommand::Revoke { email } => {
            let changed = users::revoke_administrator(&portal.db, &operator, &email).await.map_err(said)?;
            say!("{email} {} an administrator", if changed { "is no longer" } else { "was not" });
        }
    }
    Ok(())
}

/// The way back in, when no provider lets an administrator in any more. Whoever can open the database may switch passwords off as well.
async fn password_sign_in(portal: &Portal, allowed: bool) -> Result<(), String> {
    let changed = providers::allow_passwords(&portal.db, &auth::operator(), None, allowed).await.map_err(said)?;
    let state = if allowed { "can sign in with a password" } else { "cannot sign in with a password" };
    say!("People {state}{}", if changed { " from now on" } else { ", as before" });
    Ok(())
}

/// Puts the sample in and prints its accounts.
async fn fill_demo(portal: &Portal, numbers: Option<Numbers>) -> Result<(), String> {
    let accounts = match numbers {
        None => demo::fill(portal).await,
        Some(numbers) => demo::fill_sized(portal, &numbers).await,
    }
    .map_err(said)?;
    say!("The sample is in. Its accounts all have the password {}", accounts.password);
    for (email, kind) in accounts.shown {
        say!("  {email:<36} {kind}");
    }
    Ok(())
}

fn said(error: Error) -> String {
    match error {
        Error::NotFound => "nobody has an account with this email address".to_owned(),
        other => other.to_string(),
    }
}
