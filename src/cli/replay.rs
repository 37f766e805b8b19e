//! `replay`: real order flow against a gateway of its own, or one that runs, and the recount of it.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::oneshot;

use super::client::{self, Failure};
use super::serve;
use crate::clock::Clock;
use crate::config::{REPLAY, Settings, Sources};
use crate::replay::Source;
use crate::replay::drive::{self, Plan, Time};
use crate::replay::lobster::{Summary, summarize};
use crate::replay::table::Report;
use crate::server::{self, Drain};

/// Events between two looks at the progress bar.
const PROGRESS_EVERY: u64 = 64;

/// Flags of `replay`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ReplayArgs {
    /// LOBSTER message file, packed (.gz) or not; the built-in sample where left out
    pub file: Option<PathBuf>,
    /// A running gateway that serves the replay firm, such as http://127.0.0.1:50051; one in this process where left out
    #[arg(long, value_name = "ADDRESS")]
    pub against: Option<String>,
    /// Print JSON for machines
    #[arg(long)]
    pub json: bool,
    /// Print the configuration of the replay firm and do nothing else
    #[arg(long, conflicts_with_all = ["file", "against", "json"])]
    pub print_config: bool,
}

/// Replays. Exit code 0 where the recount agrees, 1 where it does not.
///
/// # Errors
/// What stops the replay.
pub fn run(args: &ReplayArgs) -> io::Result<ExitCode> {
    if args.print_config {
        write!(io::stdout().lock(), "{REPLAY}")?;
        return Ok(ExitCode::SUCCESS);
    }
    client::run(args.json, async {
        let report = replay(args).await?;
        let mut out = io::stdout().lock();
        if args.json {
            let json = serde_json::to_string_pretty(&report).map_err(io::Error::other)?;
            writeln!(out, "{json}")?;
        } else {
            write!(out, "{}", report.text())?;
        }
        Ok(match report.recount_agrees {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    })
}

async fn replay(args: &ReplayArgs) -> Result<Report, Failure> {
    let source = match &args.file {
        Some(path) => Source::File(path.clone()),
        None => Source::Sample,
    };
    // All of it is read once before anything is sent: a malformed line is told before it can leave half a replay behind.
    let summary = source
        .events()
        .and_then(summarize)
        .map_err(|error| Failure::Input(format!("{source}: {}", chain(&error))))?;
    match &args.against {
        Some(address) => {
            let channel = client::connect(address).await?;
            let plan = Plan {
                gateway: format!("{address}, by its own clock"),
                events: summary,
                time: Time::Own,
                source,
                channel,
            };
            driven(plan, args.json).await
        }
        None => alone(source, summary, args.json).await,
    }
}

/// Replays against a gateway that lives in this process, as long as the replay.
async fn alone(source: Source, events: Summary, json: bool) -> Result<Report, Failure> {
    let settings = Settings::load(&Sources {
        embedded: REPLAY,
        overrides: [
            ("server.listen", "127.0.0.1:0"),
            // One connection is served by one worker.
            ("server.workers", "1"),
            ("server.drain_grace", "0s"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into(),
        ..Sources::default()
    })
    .map_err(|error| Failure::Input(error.to_string()))?;
    let listener = server::bind(settings.server.listen)
        .await
        .map_err(io::Error::other)?;
    let address = format!("http://{}", listener.local_addr()?);
    let time = Time::recorded(&events);
    let clock = match &time {
        Time::Recorded(clock) => Arc::clone(clock),
        Time::Own => Arc::new(Clock::new()),
    };
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = tokio::spawn(serve::serve_by(
        clock,
        settings,
        listener,
        Drain::new(),
        async {
            let _ = stopped.await;
        },
    ));
    let plan = Plan {
        gateway: "a gateway of its own, in recorded time".to_owned(),
        channel: client::connect(&address).await?,
        events,
        source,
        time,
    };
    let report = driven(plan, json).await;
    drop(stop);
    let _ = serving.await;
    report
}

async fn driven(plan: Plan, json: bool) -> Result<Report, Failure> {
    let bar = bar(plan.events.events, json);
    let report = drive::drive(plan, |done| {
        if done.is_multiple_of(PROGRESS_EVERY) {
            bar.set_position(done);
        }
    })
    .await;
    bar.finish_and_clear();
    report.map_err(|error| Failure::Input(chain(&error)))
}

/// On standard error, where that is a terminal.
fn bar(events: u64, json: bool) -> ProgressBar {
    let target = match io::stderr().is_terminal() && !json {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(events), target);
    let template = "replaying {wide_bar} {human_pos} of {human_len} events, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
