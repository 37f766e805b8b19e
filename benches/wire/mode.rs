//! The ways in which orders are sent, and one measurement of one of them.

use std::error::Error;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::messages::Messages;
use crate::options::Effort;
use crate::process::Server;
use crate::session::Session;
use crate::support::clock;
use crate::support::machine::{Noise, Watch};
use crate::support::rounds::per_second;
use crate::tally::{Limit, Tally};
use crate::unary;

/// Planned rate of single calls, in orders a second.
const PACED_UNARY: u32 = 2_000;
/// Planned rate within a session, in orders a second.
const PACED_STREAM: u32 = 10_000;

/// A way of sending orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// One call in flight.
    UnaryOne,
    /// Fifty calls in flight on one connection.
    UnaryFifty,
    /// One order to a message, 64 messages in flight.
    Stream,
    /// 64 orders to a message, 8 messages in flight.
    Batch,
    /// Calls at planned times.
    PacedUnary,
    /// Messages of one order at planned times.
    PacedStream,
}

impl Mode {
    pub const ALL: [Self; 6] = [
        Self::UnaryOne,
        Self::UnaryFifty,
        Self::Stream,
        Self::Batch,
        Self::PacedUnary,
        Self::PacedStream,
    ];

    /// As the command line calls it.
    const fn word(self) -> &'static str {
        match self {
            Self::UnaryOne => "unary-1",
            Self::UnaryFifty => "unary-50",
            Self::Stream => "stream",
            Self::Batch => "batch",
            Self::PacedUnary => "paced-unary",
            Self::PacedStream => "paced-stream",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::UnaryOne => "unary, 1 in flight",
            Self::UnaryFifty => "unary, 50 in flight",
            Self::Stream => "stream, 64 in flight",
            Self::Batch => "stream, batches of 64, 8 in flight",
            Self::PacedUnary => "unary, 2,000/s planned",
            Self::PacedStream => "stream, 10,000/s planned",
        }
    }

    async fn run(
        self,
        target: &mut Target,
        closed: Limit,
        paced: Duration,
    ) -> Result<Tally, Box<dyn Error>> {
        let channel = target.connect().await?;
        let messages = &mut target.messages;
        match self {
            Self::UnaryOne => unary::closed_loop(channel, messages, 1, closed).await,
            Self::UnaryFifty => unary::closed_loop(channel, messages, 50, closed).await,
            Self::Stream => {
                let mut session = Session::open(channel).await?;
                session.closed_loop(messages, 64, 1, closed).await
            }
            Self::Batch => {
                let mut session = Session::open(channel).await?;
                session.closed_loop(messages, 8, 64, closed).await
            }
            Self::PacedUnary => unary::open_loop(channel, messages, PACED_UNARY, paced).await,
            Self::PacedStream => {
                let mut session = Session::open(channel).await?;
                session.open_loop(messages, PACED_STREAM, paced).await
            }
        }
    }

    /// Warms up, then measures once.
    pub async fn measure(
        self,
        target: &mut Target,
        effort: &Effort,
    ) -> Result<Measured, Box<dyn Error>> {
        self.run(target, Limit::Time(effort.warm_up), effort.warm_up)
            .await?;
        let meter = Meter::start(target);
        let tally = self
            .run(target, Limit::Time(effort.time), effort.paced_time)
            .await?;
        let measured = meter.stop(target, &tally);
        all_approved(&target.name, &tally)?;
        Ok(measured)
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let mut all = Self::ALL.into_iter();
        all.find(|mode| mode.word() == word)
            .ok_or_else(|| word.to_owned())
    }
}

/// A figure counts only for orders that were approved.
pub fn all_approved(name: &str, tally: &Tally) -> Result<(), Box<dyn Error>> {
    let (approved, orders) = (tally.approved, tally.orders);
    if approved == orders && orders > 0 {
        return Ok(());
    }
    Err(format!("{name}: approved {approved} of {orders} orders, all were meant to be").into())
}

/// A server under measurement.
pub struct Target {
    pub name: String,
    pub address: SocketAddr,
    /// Absent when somebody else started it: its CPU time is then not known.
    pub process: Option<Server>,
    /// Lasts as long as the server, which remembers every key.
    pub messages: Messages,
}

impl Target {
    pub async fn connect(&self) -> Result<Channel, Box<dyn Error>> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address))?;
        Ok(endpoint.tcp_nodelay(true).connect().await?)
    }

    pub fn cpu(&self) -> Duration {
        self.process.as_ref().map_or(Duration::ZERO, Server::cpu)
    }
}

/// What one measurement came to. Times in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Orders a second.
    pub rate: f64,
    /// CPU time for one order.
    pub server: f64,
    pub client: f64,
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    pub noise: Noise,
}

/// Takes the CPU times and the state of the machine at either end of a measurement.
pub struct Meter {
    watch: Watch,
    server: Duration,
    client: Duration,
}

impl Meter {
    pub fn start(target: &Target) -> Self {
        let pids: Vec<u32> = target.process.iter().map(Server::pid).collect();
        Self {
            watch: Watch::start(&pids),
            server: target.cpu(),
            client: clock::process_cpu(),
        }
    }

    pub fn stop(self, target: &Target, tally: &Tally) -> Measured {
        let client = clock::process_cpu().saturating_sub(self.client);
        let server = target.cpu().saturating_sub(self.server);
        let each = |cpu: Duration| 1e6 * cpu.as_secs_f64() / (tally.orders.max(1) as f64);
        Measured {
            rate: per_second(tally.elapsed, tally.orders),
            server: each(server),
            client: each(client),
            p50: tally.micros(50.0),
            p99: tally.micros(99.0),
            p999: tally.micros(99.9),
            noise: self.watch.noise(),
        }
    }
}
