//! The command line: one module per command.

pub mod check_config;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use check_config::CheckConfigArgs;

/// A gRPC pre-trade risk gateway: every bucket of capital held to its own limits.
#[derive(Debug, Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a configuration and print the limits it comes to
    CheckConfig(CheckConfigArgs),
}

/// Does what the arguments of the process say.
#[must_use]
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::CheckConfig(args) => check_config::run(&args).map(ExitCode::from),
    };
    done.unwrap_or_else(|error| failure(&error))
}

fn failure(error: &io::Error) -> ExitCode {
    // Whoever closed our output, as `head` does, has what it wants.
    if error.kind() != io::ErrorKind::BrokenPipe {
        eprintln!("error: {error}");
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
