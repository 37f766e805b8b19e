//! `serve`: load the configuration, open the port, serve until told to stop, drain.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::config::{Settings, Sources};
use crate::engine::Engine;
use crate::grpc::Gate;
use crate::server::{self, Drain, Readiness, Server, Stopped};
use crate::telemetry;

/// Flags of `serve`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServeArgs {
    /// File, or folder whose *.toml files are merged in order of their names; the built-in sample firm where left out
    #[arg(long, env = "BULKHEAD_CONFIG", value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Worker threads
    #[arg(long, value_name = "COUNT")]
    pub workers: Option<String>,
    /// Any process setting, as key=value (server.runtime=multi_thread)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

impl ServeArgs {
    fn overrides(&self) -> io::Result<Vec<(String, String)>> {
        let named = [
            ("server.listen", &self.listen),
            ("server.workers", &self.workers),
        ];
        let named = named
            .into_iter()
            .filter_map(|(key, value)| Some(Ok((key.to_owned(), value.clone()?))));
        let free = self.set.iter().map(|text| match text.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("--set {text}: expected KEY=VALUE"),
            )),
        });
        named.chain(free).collect()
    }
}

/// Serves until a signal.
///
/// # Errors
/// Where it cannot start, or the server fails.
pub fn run(args: &ServeArgs) -> io::Result<ExitCode> {
    let settings =
        match Settings::load(&Sources::of_process(args.config.clone(), args.overrides()?)) {
            Ok(settings) => settings,
            Err(error) => {
                eprintln!("{error}");
                return Ok(ExitCode::FAILURE);
            }
        };
    telemetry::init(settings.server.log).map_err(io::Error::other)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let drain = Drain::new();
        let stop = server::stop_signal(&drain)?;
        let listener = server::bind(settings.server.listen).await.map_err(io::Error::other)?;
        tracing::info!(address = %listener.local_addr()?, buckets = settings.buckets.len(), "listening");
        if args.config.is_none() {
            tracing::info!("no configuration was given: the built-in sample firm is served");
        }
        serve(settings, listener, drain, stop).await.map(|_| ExitCode::SUCCESS)
    })
}

/// Serves settings on a listener until `stop`.
///
/// # Errors
/// Where the settings do not fit together, or the server fails.
pub async fn serve(
    settings: Settings,
    listener: TcpListener,
    drain: Drain,
    stop: impl Future<Output = ()>,
) -> io::Result<Stopped> {
    serve_by(Arc::new(Clock::new()), settings, listener, drain, stop).await
}

/// As [`serve`], by a clock of the caller.
///
/// # Errors
/// Where the settings do not fit together, or the server fails.
pub async fn serve_by(
    clock: Arc<Clock>,
    settings: Settings,
    listener: TcpListener,
    drain: Drain,
    stop: impl Future<Output = ()>,
) -> io::Result<Stopped> {
    let Settings {
        server: settings,
        engine,
        groups,
        buckets,
        instruments,
    } = settings;
    let (readiness, loading) = Readiness::new();
    let interval = Duration::from_nanos(engine.sweep_interval.max(1_000_000));
    let engine =
        Arc::new(Engine::new(engine, groups, buckets, instruments).map_err(io::Error::other)?);
    drop(loading);
    let gate = Gate::new(
        Arc::clone(&engine),
        Arc::clone(&clock),
        drain.clone(),
        readiness.clone(),
    );
    let message_max = settings.max_message_bytes;
    let services = move || gate.services(message_max);
    let sweeping = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(interval);
        for round in 0_usize.. {
            ticks.tick().await;
            engine.sweep(clock.now(), round);
        }
    });
    let server = Server {
        listener,
        settings,
        close_wait: server::CLOSE_WAIT,
        readiness,
        drain,
    };
    let stopped = server.serve(services, stop).await.map_err(io::Error::other);
    sweeping.abort();
    stopped
}
