//! Databases of a size, filled by the program's own `demo` and kept for the next run.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use portico::db::{Clock, Database, Select};

use super::{postgres::Postgres, process};

/// A database that has been filled.
pub struct Filled {
    pub url: String,
    /// Logs and copies go here.
    pub folder: PathBuf,
    pub password: String,
}

/// The administrator of every database that `demo` fills to a size.
pub const ADMINISTRATOR: &str = "admin@portal.example";

pub fn bench_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench")
}

impl Filled {
    pub fn sqlite(users: u64) -> Self {
        let folder = bench_folder().join(format!("sqlite-{users}"));
        let url = format!("sqlite:{}", folder.join("portico.db").display());
        let (known, password) = (folder.join("password"), fs::read_to_string(folder.join("password")));
        let password = password.unwrap_or_else(|_| {
            // What was cut off half-way is thrown away.
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).expect("a folder");
            let password = fill(&url, users, &folder);
            fs::write(known, &password).expect("written");
            password
        });
        Self { url, folder, password }
    }

    pub fn postgres(server: &Postgres, users: u64) -> Self {
        let folder = bench_folder().join(format!("postgres-{users}"));
        fs::create_dir_all(&folder).expect("a folder");
        let url = server.database(&format!("portico_bench_{users}"));
        // The password stands where the database does, which may have gone.
        let password = server.comment(&url).unwrap_or_else(|| {
            server.empty(&url);
            let password = fill(&url, users, &folder);
            server.set_comment(&url, &password);
            password
        });
        Self { url, folder, password }
    }

    /// A published product with an API that wants keys, the API's URL suffix, and how many subscriptions are active.
    pub fn product_with_api(&self) -> (String, String, i64) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(async {
            let db = Database::open(&self.url, Clock::system()).await.expect("the database");
            let mut connection = db.read().await.expect("a connection");
            let found = Select::new(
                &connection,
                "select p.name, a.suffix, (select count(*) from subscriptions where state = 'active')
                 from products p join product_apis pa on pa.product_id = p.id join apis a on a.id = pa.api_id
                 where p.published and p.subscription_required and p.subscriptions_limit is null order by p.id, a.id limit 1",
            );
            found.optional(&mut connection).await.expect("a row").expect("a product with an API")
        })
    }

    /// A token of a scope; the one of an earlier run is revoked.
    pub fn token(&self, scope: &str) -> String {
        let told = |arguments: &[&str]| {
            let output = process::portico(&self.url, &self.folder.join("log")).args(arguments).output().expect("portico token");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        told(&["token", "revoke", "--name", "bench"]);
        told(&["token", "create", "--name", "bench", "--scope", scope])
    }

    /// The program on it.
    pub fn serve(&self) -> process::Server {
        process::serve(&self.url, &self.folder.join("log"))
    }
}

/// Fills it, says how long that took, and answers the password of all accounts. Memberships are three a user, as in the table of rows.
fn fill(url: &str, users: u64, folder: &Path) -> String {
    let began = Instant::now();
    let numbers = [
        ("--users", users),
        ("--groups", 200),
        ("--products", 500),
        ("--memberships", users * 3),
        ("--subscriptions", users.min(50_000)),
        ("--seed", 1),
    ];
    let mut command = process::portico(url, &folder.join("log"));
    command.arg("demo").args(numbers.iter().flat_map(|(flag, number)| [(*flag).to_owned(), number.to_string()]));
    let output = command.output().expect("portico demo");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let password = text.lines().find_map(|line| line.split_once("the password ")).map(|(_, password)| password.trim().to_owned());
    let password = password.unwrap_or_else(|| panic!("portico demo failed; its log is in {}: {text}", folder.display()));
    let engine = url.split(':').next().unwrap_or_default();
    println!("filled: {engine} with {users} users in {:.1} s", began.elapsed().as_secs_f64());
    password
}
