//! The bench's command line.

use std::error::Error;
use std::time::Duration;

use super::support::rounds::ROUNDS;

pub const USAGE: &str = "\
cargo bench --bench rules -- [options]
  --only TEXT   lines whose names contain the text
  --full        long rounds: some ten seconds
  --rounds N    rounds of every line
  --core N      core to run on (the last one there is)
  --json FILE   write all figures as JSON; `-` is standard output";

pub struct Options {
    pub only: Option<String>,
    pub rounds: usize,
    /// Of one line in one round.
    pub time: Duration,
    pub core: Option<usize>,
    pub json: Option<String>,
}

impl Options {
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            only: None,
            // Without `--bench`: does everything work? Not a measurement.
            rounds: 1,
            time: Duration::from_millis(1),
            core: None,
            json: None,
        };
        let (mut bench, mut full, mut rounds) = (false, false, None);
        while let Some(flag) = args.next() {
            let mut value = || {
                args.next()
                    .ok_or_else(|| format!("{flag}: a value is missing\n{USAGE}"))
            };
            match flag.as_str() {
                "--bench" => bench = true,
                "--full" => full = true,
                "--only" => options.only = Some(value()?),
                "--rounds" => rounds = Some(value()?.parse()?),
                "--core" => options.core = Some(value()?.parse()?),
                "--json" => options.json = Some(value()?),
                _ => return Err(format!("{flag}: unknown\n{USAGE}").into()),
            }
        }
        if full {
            (options.rounds, options.time) = (2 * ROUNDS + 1, Duration::from_millis(20));
        } else if bench {
            (options.rounds, options.time) = (ROUNDS, Duration::from_millis(5));
        }
        options.rounds = rounds.unwrap_or(options.rounds);
        Ok(options)
    }
}
