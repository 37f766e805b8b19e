//! The command line: one module per command.

pub mod check_config;
pub mod serve;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use check_config::CheckConfigArgs;
use serve::ServeArgs;

/// A gRPC pre-trade risk gateway: every bucket of capital held to its own limits.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway (what is done without a command)
    Serve(ServeArgs),
    /// Check a configuration and print the limits it comes to
    CheckConfig(CheckConfigArgs),
}

/// Does what the arguments of the process say.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(&args),
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
