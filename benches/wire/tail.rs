//! Two questions about the slowest answers: of a long stream, and of a bucket whose neighbour floods.

use std::error::Error;

use crate::messages::Messages;
use crate::mode::{Meter, Target, all_approved};
use crate::options::Effort;
use crate::session::Session;
use crate::support::machine::Noise;
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

/// Drives one session on each server for the same number of orders, in turns, so that both meet the same machine.
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
    let orders = effort.tail_orders / effort.tail_turns.max(1);
    for _ in 0..effort.tail_turns {
        for ((target, session), tail) in targets.iter_mut().zip(&mut sessions).zip(&mut tails) {
            let meter = Meter::start(target);
            let turn = session
                .closed_loop(&mut target.messages, 64, 1, Limit::Orders(orders))
                .await?;
            tail.noise = tail.noise.max(meter.stop(target, &turn).noise);
            all_approved(&target.name, &turn)?;
            tail.tally.add(&turn)?;
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
