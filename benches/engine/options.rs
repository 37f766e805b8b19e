//! The bench's command line.

use std::error::Error;
use std::time::Duration;

pub const USAGE: &str = "\
cargo bench --bench engine -- [options]
  --parts A,B    of memory, approve, reroutes, path, pauses, marks, threads, neighbour: these only
  --quick        few and short rounds, a hundred thousand buckets for many: some thirty seconds
  --full         many and long rounds, 5 million orders for the worst pause: some ten minutes, 16 GiB
  --rounds N     rounds of every part
  --buckets N    how many are many (1000000)
  --stored N     orders whose memory is weighed
  --core N       core of what runs on one thread (the last one there is)
  --untouched    take memory as it comes: the kernel's and the machine's first touch of it is then measured as ours
  --json FILE    write all figures as JSON; `-` is standard output
  --strict       fail when a bar is missed";

/// Every part, in the order they run: threads last, because what they leave behind an allocator cannot hand out as well.
pub const PARTS: &[&str] = &[
    "memory",
    "approve",
    "reroutes",
    "path",
    "pauses",
    "marks",
    "threads",
    "neighbour",
];

pub struct Options {
    pub parts: Vec<String>,
    pub effort: Effort,
    /// How many buckets are many.
    pub many: usize,
    pub core: Option<usize>,
    pub untouched: bool,
    pub json: Option<String>,
    pub strict: bool,
}

/// How long everything takes.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub rounds: usize,
    /// How often a round that was disturbed is taken again before it is taken as it is.
    pub retries: usize,
    /// Orders of one line in one round.
    pub orders: usize,
    /// Orders of one thread in one round.
    pub thread_orders: usize,
    /// Orders for the bytes of one.
    pub stored: usize,
    /// Of one open loop.
    pub paced_time: Duration,
    /// Orders for the worst pause.
    pub pause_orders: usize,
    /// Memory touched beforehand, bytes.
    pub touched: usize,
    /// How many buckets are many.
    many: usize,
}

/// How many the bars speak of.
pub const MANY: usize = 1_000_000;

impl Effort {
    /// Does everything work? Not a measurement.
    const SMOKE: Self = Self {
        rounds: 1,
        retries: 0,
        orders: 1_000,
        thread_orders: 1_000,
        stored: 1_000,
        paced_time: Duration::from_millis(20),
        pause_orders: 10_000,
        touched: 0,
        many: 2_000,
    };
    const QUICK: Self = Self {
        rounds: 3,
        orders: 20_000,
        thread_orders: 100_000,
        stored: 100_000,
        paced_time: Duration::from_millis(500),
        pause_orders: 500_000,
        touched: 2 << 30,
        many: 100_000,
        ..Self::SMOKE
    };
    const USUAL: Self = Self {
        rounds: 5,
        orders: 50_000,
        thread_orders: 150_000,
        stored: 300_000,
        paced_time: Duration::from_millis(1_000),
        pause_orders: 2_000_000,
        touched: 8 << 30,
        many: MANY,
        ..Self::QUICK
    };
    const FULL: Self = Self {
        rounds: 11,
        retries: 2,
        orders: 100_000,
        thread_orders: 400_000,
        stored: 1_000_000,
        paced_time: Duration::from_millis(5_000),
        pause_orders: 5_000_000,
        touched: 12 << 30,
        ..Self::USUAL
    };
}

impl Options {
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            parts: PARTS.iter().map(|&part| part.to_owned()).collect(),
            effort: Effort::SMOKE,
            many: 0,
            core: None,
            untouched: false,
            json: None,
            strict: false,
        };
        let (mut bench, mut asked) = (false, None);
        let (mut rounds, mut many, mut stored) = (None, None, None);
        while let Some(flag) = args.next() {
            let mut value = || {
                args.next()
                    .ok_or_else(|| format!("{flag}: a value is missing\n{USAGE}"))
            };
            match flag.as_str() {
                // Given by `cargo bench`, and not by `cargo test`, which only asks whether it works.
                "--bench" => bench = true,
                "--quick" => asked = Some(Effort::QUICK),
                "--full" => asked = Some(Effort::FULL),
                "--parts" => options.parts = value()?.split(',').map(str::to_owned).collect(),
                "--rounds" => rounds = Some(value()?.parse()?),
                "--buckets" => many = Some(value()?.parse()?),
                "--stored" => stored = Some(value()?.parse()?),
                "--core" => options.core = Some(value()?.parse()?),
                "--untouched" => options.untouched = true,
                "--json" => options.json = Some(value()?),
                "--strict" => options.strict = true,
                _ => return Err(format!("{flag}: unknown\n{USAGE}").into()),
            }
        }
        if let Some(part) = options
            .parts
            .iter()
            .find(|part| !PARTS.contains(&part.as_str()))
        {
            return Err(format!("{part}: no such part\n{USAGE}").into());
        }
        // Cargo puts its own flag behind ours, so the order says nothing.
        options.effort = match asked {
            Some(effort) => effort,
            None if bench => Effort::USUAL,
            None => Effort::SMOKE,
        };
        options.effort.rounds = rounds.unwrap_or(options.effort.rounds);
        options.effort.stored = stored.unwrap_or(options.effort.stored);
        options.many = many.unwrap_or(options.effort.many);
        Ok(options)
    }

    pub fn wants(&self, part: &str) -> bool {
        self.parts.iter().any(|wanted| wanted == part)
    }
}
