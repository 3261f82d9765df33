//! `portico backup FILE`: a copy of the SQLite database, and what else belongs to it.

use std::{
    fs, io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf, absolute},
};

use crate::{
    config::{self, Settings},
    db,
};

/// Writes the copy under another name first, so that a file with the name that was asked for is a whole one.
pub(super) async fn write(settings: &Settings, file: &Path) -> Result<(), String> {
    let Some(database) = config::sqlite_path(&settings.database_url) else {
        return Err("this portal's database is PostgreSQL, and pg_dump is the tool to back it up: \
             pg_dump --format=custom --file=FILE \"$PORTICO_DATABASE_URL\", and PORTICO_SECRET_KEY kept apart from it; \
             pg_restore --no-owner --dbname=… FILE brings it back"
            .to_owned());
    };
    if !database.exists() {
        return Err(format!("there is no database {} to back up", database.display()));
    }
    let because = |why: io::Error| match why.kind() {
        io::ErrorKind::AlreadyExists => format!("{} exists already, and a backup overwrites nothing", file.display()),
        _ => format!("{} cannot be written: {why}", file.display()),
    };
    if file.symlink_metadata().is_ok() {
        return Err(because(io::ErrorKind::AlreadyExists.into()));
    }
    let file = absolute(file).map_err(because)?;
    let unfinished = unfinished(&file);
    // Empty and private before anything is in it; SQLite fills a file that is empty.
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished).map_err(|why| match why.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} is there, from another backup that is running or was cut off: remove it in that case", unfinished.display())
        }
        _ => because(why),
    })?;
    let done = match db::copy_sqlite(&settings.database_url, &unfinished).await {
        Ok(copied) => put_in_place(&unfinished, &file).map_err(because).map(|()| copied),
        Err(why) => Err(why),
    };
    if done.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    let copied = done?;
    say!("Wrote {}: {} bytes, checked, migration {}.", file.display(), copied.bytes, copied.migration);
    say!("{}", reminder(settings));
    Ok(())
}

fn unfinished(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}

/// Syncs the copy and gives it its name, unless that was taken meanwhile.
fn put_in_place(unfinished: &Path, file: &Path) -> io::Result<()> {
    fs::File::open(unfinished)?.sync_all()?;
    match fs::hard_link(unfinished, file) {
        Ok(()) => fs::remove_file(unfinished)?,
        // Not every file system can give a file a second name.
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists && !file.exists() => fs::rename(unfinished, file)?,
        Err(why) => return Err(why),
    }
    file.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

/// The database is half of what a restored portal needs.
fn reminder(settings: &Settings) -> String {
    let key = config::key_file(settings).and_then(|file| absolute(file).ok());
    let key = match key {
        _ if std::env::var_os("PORTICO_SECRET_KEY").is_some() => "the PORTICO_SECRET_KEY of this portal".to_owned(),
        Some(file) if file.exists() => file.display().to_string(),
        _ => "PORTICO_SECRET_KEY or portico.key (neither is here)".to_owned(),
    };
    format!(
        "Keep {key} as well, in another place: subscription keys are encrypted with it, and a restored portal does not start without it."
    )
}
