//! What README.md shows is what happens: its commands are run against a gateway on the sample firm, and answer as they are said to.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;

use crate::binary::{Gateway, Said};

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
        let words: Vec<&str> = command.split_whitespace().collect();
        let Said { out, err, .. } = Said::of(gateway.command(&words).env("COLUMNS", "160"));
        let printed = out + &err;
        assert_eq!(
            timeless(&printed),
            timeless(&expected),
            "$ bulkhead {command}\n{printed}"
        );
    }
}
