//! The command line: one module per command, or per few that belong together.

pub mod accept;
pub mod basket;
pub mod buckets;
pub mod check_config;
pub mod client;
pub mod control;
pub mod kills;
pub mod mark;
pub mod max_quantity;
pub mod moves;
pub mod order;
pub mod replay;
pub mod resolve;
pub mod serve;
pub mod watch;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use accept::AcceptArgs;
use basket::BasketArgs;
use buckets::{BucketsArgs, OrdersArgs, UsageArgs};
use check_config::CheckConfigArgs;
use control::{HaltArgs, RearmArgs};
use kills::KillsArgs;
use mark::MarkArgs;
use max_quantity::MaxQuantityArgs;
use moves::MoveArgs;
use order::OrderArgs;
use replay::ReplayArgs;
use resolve::ResolveArgs;
use serve::ServeArgs;
use watch::WatchArgs;

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
    /// Replay recorded order flow against a gateway, and check what it holds at the end
    Replay(ReplayArgs),
    /// Send an order: exit code 0 approved or rerouted, 2 rejected, 1 no answer
    Order(Box<OrderArgs>),
    /// Ask how large an order may be: exit code 0 some quantity, 2 none, 1 no answer
    MaxQuantity(MaxQuantityArgs),
    /// Send orders that are approved all or none: exit code 0 approved, 2 rejected, 1 no answer
    Basket(BasketArgs),
    /// Accept the route of a rerouted order
    Accept(AcceptArgs),
    /// Show the buckets
    Buckets(BucketsArgs),
    /// Show how much of every limit of a bucket, group, venue or counterparty is used
    Usage(UsageArgs),
    /// Show live orders
    Orders(OrdersArgs),
    /// Tell the gateway a price
    Mark(MarkArgs),
    /// Show decisions, reports and changes as they happen
    Watch(WatchArgs),
    /// Stop trading in a scope
    Halt(HaltArgs),
    /// Show what was live when something was stopped, and what still is
    Kills(KillsArgs),
    /// End a halt
    Rearm(RearmArgs),
    /// Hang a bucket under another group
    MoveBucket(MoveArgs),
    /// End an order that nobody reports of, once the venue was asked
    Resolve(ResolveArgs),
}

/// Does what the arguments of the process say.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and the version are answers too. A code of 2 says that an order was rejected, so this is 1.
            let _ = answer.print();
            return match answer.use_stderr() {
                true => ExitCode::FAILURE,
                false => ExitCode::SUCCESS,
            };
        }
    };
    let done = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(args) => serve::run(&args),
        Command::CheckConfig(args) => check_config::run(&args).map(ExitCode::from),
        Command::Replay(args) => replay::run(&args),
        Command::Order(args) => order::run(&args),
        Command::MaxQuantity(args) => max_quantity::run(&args),
        Command::Basket(args) => basket::run(&args),
        Command::Accept(args) => accept::run(&args),
        Command::Kills(args) => kills::run(&args),
        Command::Buckets(args) => buckets::buckets(&args),
        Command::Usage(args) => buckets::usage(&args),
        Command::Orders(args) => buckets::orders(&args),
        Command::Mark(args) => mark::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Halt(args) => control::halt(&args),
        Command::Rearm(args) => control::rearm(&args),
        Command::MoveBucket(args) => moves::run(&args),
        Command::Resolve(args) => resolve::run(&args),
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
