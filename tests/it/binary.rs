//! The real binary, as a process of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// Its path.
pub const BINARY: &str = env!("CARGO_BIN_EXE_bulkhead");

/// A gateway of the sample firm on a free port, killed at the end.
pub struct Gateway {
    child: Child,
    pub address: String,
}

impl Gateway {
    pub fn start() -> Self {
        Self::serving(&[])
    }

    /// The same with more words on its command line.
    pub fn serving(more: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["serve", "--listen", "127.0.0.1:0", "--workers", "1"])
            .args(more)
            .env_remove("RUST_LOG")
            .env_remove("BULKHEAD_CONFIG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut address = None;
        let mut line = String::new();
        while address.is_none() && lines.read_line(&mut line).unwrap() > 0 {
            address = line
                .split_whitespace()
                .find_map(|word| word.strip_prefix("address="))
                .map(|address| format!("http://{address}"));
            line.clear();
        }
        // The pipe is drained, so that the gateway never waits for a reader of its log.
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            let _ = lines.read_to_end(&mut rest);
        });
        Self {
            child,
            address: address.expect("the log names the address"),
        }
    }

    /// A command for this gateway.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(words).env("BULKHEAD_ADDRESS", &self.address);
        command
    }

    pub fn run(&self, words: &[&str]) -> Said {
        Said::of(&mut self.command(words))
    }

    pub fn json(&self, words: &[&str]) -> (i32, Value) {
        let said = self.run(&[words, &["--json"]].concat());
        (said.code, serde_json::from_str(&said.out).unwrap())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a command said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn says(&self, code: i32, parts: &[&str]) {
        let Self {
            code: was,
            out,
            err,
        } = self;
        assert_eq!(*was, code, "{out}{err}");
        for part in parts {
            let found = out.contains(part) || err.contains(part);
            assert!(found, "{part:?} in\n{out}{err}");
        }
    }
}
