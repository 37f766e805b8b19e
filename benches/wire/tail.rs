//! Two questions about the slowest answers: of a long stream, and of a bucket whose neighbour floods.

use std::error::Error;

use crate::messages::Messages;
use crate::mode::{Meter, Target, all_approved};
use crate::options::Effort;
use crate::process::Server;
use crate::session::Session;
use crate::support::machine::{Noise, Watch};
use crate::tally::{Limit, Tally};

/// Orders a second of the bucket that behaves.
const QUIET_RATE: u32 = 1_000;
/// Orders a second of the one that does not; its limit is a tenth of it.
const FLOOD_RATE: u32 = 10_000;
/// The bucket whose answers are measured.
const QUIET_BUCKET: &str = "bench-quiet";
/// The bucket that floods.
const FLOOD_BUCKET: &str = "bench-flood";

/// Latencies of one server over a long stream.
pub struct Tail {
    pub tally: Tally,
    pub noise: Noise,
}

/// Drives one session on each server for the same number of orders, in turns, so that both meet the same machine. A disturbed
/// turn is not counted, as often as there are retries; the servers remember its orders all the same.
pub async fn of_long_streams(
    targets: &mut [Target],
    effort: &Effort,
) -> Result<Vec<Tail>, Box<dyn Error>> {
    let mut sessions = Vec::new();
    let mut tails = Vec::new();
    for target in targets.iter() {
        sessions.push(Session::open(target.connect().await?).await?);
        tails.push(Tail {
            tally: Tally::new()?,
            noise: Noise::default(),
        });
    }
    let limit = Limit::Orders(effort.tail_orders / effort.tail_turns.max(1));
    let mut retries = effort.retries * usize::try_from(effort.tail_turns)?;
    let mut turns = 0;
    while turns < effort.tail_turns {
        let mut turn = Vec::new();
        for (target, session) in targets.iter_mut().zip(&mut sessions) {
            let meter = Meter::start(target);
            let tally = session
                .closed_loop(&mut target.messages, 64, 1, limit)
                .await?;
            let noise = meter.stop(target, &tally).noise;
            all_approved(&target.name, &tally)?;
            turn.push(Tail { tally, noise });
        }
        if retries > 0 && !turn.iter().all(|tail| tail.noise.is_quiet()) {
            retries -= 1;
            continue;
        }
        turns += 1;
        for (tail, turn) in tails.iter_mut().zip(&turn) {
            tail.tally.add(&turn.tally)?;
            tail.noise = tail.noise.max(turn.noise);
        }
    }
    Ok(tails)
}

/// The quiet bucket's answers, without and with a flood into another bucket.
pub struct Neighbour {
    pub alone: Tally,
    pub beside_flood: Tally,
    /// What the flooding bucket was answered.
    pub flood: Tally,
    pub noise: Noise,
}

/// One round on one server: the quiet bucket alone, then beside the flood. Each bucket has its own connection and session.
pub async fn beside_a_flood(
    target: &Target,
    supplies: &mut Supplies,
    effort: &Effort,
) -> Result<Neighbour, Box<dyn Error>> {
    let time = effort.paced_time;
    let mut quiet = Session::open(target.connect().await?).await?;
    let mut flooding = Session::open(target.connect().await?).await?;
    quiet
        .open_loop(&mut supplies.quiet, QUIET_RATE, effort.warm_up)
        .await?;
    let pids: Vec<u32> = target.process.iter().map(Server::pid).collect();
    let watch = Watch::start(&pids);
    let alone = quiet
        .open_loop(&mut supplies.quiet, QUIET_RATE, time)
        .await?;
    let (beside_flood, flood) = tokio::join!(
        quiet.open_loop(&mut supplies.quiet, QUIET_RATE, time),
        flooding.open_loop(&mut supplies.flood, FLOOD_RATE, time),
    );
    let (beside_flood, flood) = (beside_flood?, flood?);
    all_approved(&target.name, &alone)?;
    all_approved(&target.name, &beside_flood)?;
    Ok(Neighbour {
        alone,
        beside_flood,
        flood,
        noise: watch.noise(),
    })
}

/// Orders for the two buckets; last as long as the server does.
pub struct Supplies {
    quiet: Messages,
    flood: Messages,
}

impl Supplies {
    pub fn new() -> Self {
        Self {
            quiet: Messages::of_bucket(QUIET_BUCKET, "q"),
            flood: Messages::of_bucket(FLOOD_BUCKET, "f"),
        }
    }
}
