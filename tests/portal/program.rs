//! The program in a process of its own, as operators start it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

pub const SECRET: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

pub fn portico(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    command.current_dir(folder).args(arguments).env_clear().env("PORTICO_LISTEN", "127.0.0.1:0").env("PORTICO_WORKERS", "1");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn run(mut command: Command) -> Output {
    command.output().expect("the program runs")
}

pub fn error_of(command: Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "it should have refused: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// A portal in a process of its own, ended by its id.
pub struct Serving {
    pub child: Child,
    pub said: Vec<String>,
}

impl Serving {
    /// Waits until it says where it is open (and, when wanted, where to set up).
    pub fn start(mut command: Command, lines: usize) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let said = output.lines().take(lines).map(|line| line.expect("UTF-8")).collect();
        Self { child, said }
    }

    /// Waits until it says where it is open, whatever it says before.
    pub fn start_open(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let mut said = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("its output")).lines() {
            said.push(line.expect("UTF-8"));
            if said.last().is_some_and(|line| line.starts_with("Portico is open at ")) {
                break;
            }
        }
        Self { child, said }
    }

    pub fn base(&self) -> String {
        self.said.iter().find_map(|line| line.strip_prefix("Portico is open at ")).expect("where it is open").to_owned()
    }

    pub fn send(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().expect("kill");
        assert!(sent.success());
    }

    /// Sends the signal and waits for the end; the answer is the exit code.
    pub fn signal(&mut self, name: &str) -> i32 {
        self.send(name);
        self.wait()
    }

    pub fn wait(&mut self) -> i32 {
        self.child.wait().expect("it ends").code().expect("it ends by itself")
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
