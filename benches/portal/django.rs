//! The same page in Django, on a copy of the same SQLite database: benches/django, in an environment of its own under target/bench.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::support::{
    database::{Filled, bench_folder},
    process::{self, Server},
};

pub struct Django {
    pub server: Server,
    pub cookies: String,
    pub versions: String,
}

/// # Errors
/// What is missing.
pub fn start(filled: &Filled) -> Result<Django, String> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/django");
    let python = environment(&project)?;
    let database = copy(filled)?;
    let command = || {
        let mut command = Command::new(&python);
        command.current_dir(&project).env("PYTHONDONTWRITEBYTECODE", "1").env("BENCH_DATABASE", &database);
        command
    };
    let said = output(command().arg("prepare.py"))?;
    let (versions, session) = said.lines().last().and_then(|line| line.split_once('|')).ok_or("prepare.py said nothing")?;
    let mut gunicorn = command();
    gunicorn
        .args(["-m", "gunicorn", "--no-control-socket", "wsgi"])
        .stderr(fs::File::create(filled.folder.join("django.log")).map_err(|why| why.to_string())?);
    let server = Server::start(gunicorn, "serving ");
    Ok(Django { server, cookies: format!("sessionid={session}"), versions: versions.to_owned() })
}

/// Python with exactly what requirements.txt names.
fn environment(project: &Path) -> Result<std::path::PathBuf, String> {
    let (folder, wanted) = (bench_folder().join("venv"), project.join("requirements.txt"));
    let (python, known) = (folder.join("bin/python"), folder.join("requirements.txt"));
    let text = fs::read(&wanted).map_err(|why| why.to_string())?;
    if fs::read(&known).ok().as_ref() != Some(&text) {
        output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        output(
            Command::new(&python)
                .args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r"])
                .arg(&wanted),
        )?;
        fs::write(known, text).map_err(|why| why.to_string())?;
    }
    Ok(python)
}

/// Django's own tables go into a copy.
fn copy(filled: &Filled) -> Result<String, String> {
    let file = filled.folder.join("django.db");
    if !file.exists() {
        output(process::portico(&filled.url, &filled.folder.join("backup.log")).arg("backup").arg(&file))?;
    }
    Ok(file.display().to_string())
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|why| format!("{:?}: {why}", command.get_program()))?;
    if !output.status.success() {
        return Err(format!("{:?} failed: {}", command.get_program(), String::from_utf8_lossy(&output.stderr).trim().replace('\n', " ")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
