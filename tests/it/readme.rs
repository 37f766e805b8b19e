//! What README.md shows is what happens: its commands are run against a gateway on the sample firm, and answer as they are said to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

const BULKHEAD: &str = env!("CARGO_BIN_EXE_bulkhead");

/// The gateway as somebody starts it who has read nothing yet; it ends with the test.
struct Gateway {
    process: Child,
    address: String,
}

impl Gateway {
    fn start() -> Self {
        let mut process = Command::new(BULKHEAD)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--set",
                "server.log.format=json",
            ])
            .env_remove("RUST_LOG")
            .env_remove("BULKHEAD_CONFIG")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let mut address = None;
        for line in log.lines() {
            let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
            match line["message"].as_str() {
                Some("listening") => {
                    address = line["address"].as_str().map(|at| format!("http://{at}"))
                }
                Some("ready") => break,
                _ => {}
            }
        }
        Self {
            process,
            address: address.expect("the gateway listens and is ready"),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The commands of `console` blocks, each with what it prints.
fn commands(document: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in document.lines() {
        match (line, line.strip_prefix("$ bulkhead ")) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (_, Some(command)) if inside => commands.push((command.to_owned(), String::new())),
            (line, None) if inside => {
                let (_, printed) = commands.last_mut().expect("a block starts with a command");
                printed.push_str(line.trim_end());
                printed.push('\n');
            }
            _ => {}
        }
    }
    commands
}

/// The same text whenever it is printed: numbers of decisions are left out, and so are blanks at the ends of lines.
fn timeless(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| {
        let mut parts = line.trim_end().split("decision ");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |line, part| {
            line + "decision ID"
                + part
                    .trim_start_matches(|letter: char| letter.is_ascii_hexdigit() || letter == '-')
        })
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn its_examples_answer_as_it_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let commands = commands(&fs::read_to_string(path).unwrap());
    assert!(commands.len() >= 5, "the examples are gone");
    let gateway = Gateway::start();
    for (command, expected) in commands {
        let output = Command::new(BULKHEAD)
            .args(command.split_whitespace())
            .env("BULKHEAD_ADDRESS", &gateway.address)
            .env("COLUMNS", "160")
            .output()
            .unwrap();
        let printed =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            timeless(&printed),
            timeless(&expected),
            "$ bulkhead {command}\n{printed}"
        );
    }
}
