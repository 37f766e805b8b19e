//! The bench's command line.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use crate::mode::Mode;
use crate::server::Flavour;

/// What is started when nothing is named. The first is what the others are compared with.
const SERVERS: &[&str] = &["empty", "gateway"];

pub const USAGE: &str = "\
cargo bench --bench wire -- [options]
  --servers A,B      what to start and compare, the first being the measure; `empty,empty` shows the noise
  --also NAME=ADDR   measure a server that runs already as well
  --modes A,B        only these of unary-1, unary-50, stream, batch, paced-unary and paced-stream; no long streams and no neighbours
  --runtime FLAVOUR  per_core (one single-threaded runtime, the default) or multi_thread, of every server
  --full             long rounds, 5 million orders for the tail: some ten minutes
  --rounds N         rounds of every cell
  --orders N         orders that the gateway sets memory aside for (2000000, with --full 11000000)
  --core N           core for client and servers (the last one there is)
  --unpinned         leave client and servers to the scheduler
  --json FILE        write all figures as JSON; `-` is standard output
  --strict           fail when a bar is missed
  --server KIND      be the server and nothing else; with --listen ADDR until stopped";

pub struct Options {
    pub servers: Vec<String>,
    pub also: Vec<(String, SocketAddr)>,
    /// What is measured; nothing else where it was asked for.
    pub modes: Option<Vec<Mode>>,
    pub runtime: Flavour,
    pub effort: Effort,
    pub core: Option<usize>,
    pub unpinned: bool,
    pub json: Option<String>,
    pub strict: bool,
    /// Set in a server process.
    pub server: Option<String>,
    pub listen: Option<SocketAddr>,
}

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: usize,
    /// How often a round that was disturbed is measured again before it is taken as it is.
    pub retries: usize,
    pub warm_up: Duration,
    pub time: Duration,
    /// Of an open loop.
    pub paced_time: Duration,
    /// Orders per server for the tail of the stream, in so many turns.
    pub tail_orders: u64,
    pub tail_turns: u64,
    /// Orders that the gateway sets memory aside for.
    pub orders: usize,
}

impl Effort {
    /// Does everything work? Not a measurement.
    const SMOKE: Self = Self {
        rounds: 1,
        retries: 0,
        warm_up: Duration::from_millis(10),
        time: Duration::from_millis(50),
        paced_time: Duration::from_millis(100),
        tail_orders: 2_000,
        tail_turns: 2,
        orders: 10_000,
    };
    const QUICK: Self = Self {
        rounds: 3,
        retries: 0,
        warm_up: Duration::from_millis(50),
        time: Duration::from_millis(200),
        paced_time: Duration::from_millis(300),
        tail_orders: 100_000,
        tail_turns: 4,
        orders: 2_000_000,
    };
    const FULL: Self = Self {
        rounds: 9,
        retries: 2,
        warm_up: Duration::from_millis(500),
        time: Duration::from_millis(1_200),
        paced_time: Duration::from_secs(5),
        tail_orders: 5_000_000,
        tail_turns: 20,
        orders: 11_000_000,
    };
}

impl Options {
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            servers: SERVERS.iter().map(|&name| name.to_owned()).collect(),
            also: Vec::new(),
            modes: None,
            runtime: Flavour::PerCore,
            effort: Effort::SMOKE,
            core: None,
            unpinned: false,
            json: None,
            strict: false,
            server: None,
            listen: None,
        };
        let (mut bench, mut full, mut rounds, mut orders) = (false, false, None, None);
        while let Some(flag) = args.next() {
            let mut value = || {
                args.next()
                    .ok_or_else(|| format!("{flag}: a value is missing\n{USAGE}"))
            };
            match flag.as_str() {
                // Given by `cargo bench`, and not by `cargo test`, which only asks whether it works.
                "--bench" => bench = true,
                "--full" => full = true,
                "--modes" => {
                    let modes: Result<Vec<Mode>, String> =
                        value()?.split(',').map(str::parse).collect();
                    options.modes =
                        Some(modes.map_err(|word| format!("{flag} {word}: unknown\n{USAGE}"))?);
                }
                "--runtime" => options.runtime = value()?.parse()?,
                "--servers" => options.servers = value()?.split(',').map(str::to_owned).collect(),
                "--also" => {
                    let value = value()?;
                    let (name, address) = value.split_once('=').ok_or(USAGE)?;
                    options.also.push((name.to_owned(), address.parse()?));
                }
                "--rounds" => rounds = Some(value()?.parse()?),
                "--orders" => orders = Some(value()?.parse()?),
                "--core" => options.core = Some(value()?.parse()?),
                "--unpinned" => options.unpinned = true,
                "--json" => options.json = Some(value()?),
                "--strict" => options.strict = true,
                "--server" => options.server = Some(value()?),
                "--listen" => options.listen = Some(value()?.parse()?),
                _ => return Err(format!("{flag}: unknown\n{USAGE}").into()),
            }
        }
        // Cargo puts its own flag behind ours, so the order says nothing.
        if full {
            options.effort = Effort::FULL;
        } else if bench {
            options.effort = Effort::QUICK;
        }
        options.effort.rounds = rounds.unwrap_or(options.effort.rounds);
        options.effort.orders = orders.unwrap_or(options.effort.orders);
        Ok(options)
    }
}
