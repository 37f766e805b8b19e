//! The sample: made-up order flow in the format of [`super::lobster`], so that a replay runs anywhere without data.
//!
//! The file is generated, kept in the repository and carried in the binary. [`generate`] writes it byte for byte; a test
//! compares the two. Integers only, so every machine writes the same bytes.

use std::fmt::Write;

/// The generated file, as kept in `benches/data/sample.lobster.csv`.
pub const TEXT: &str = include_str!("../../benches/data/sample.lobster.csv");

const SEED: u64 = 0x5eed_b01d_4ea1_2012;
const LINES: usize = 3_000;
/// 09:30:00.
const OPEN_NS: u64 = 34_200_000_000_000;
const FIRST_ORDER: u64 = 41_000_000;
const MID_E4: u64 = 5_853_000;
const TICK_E4: u64 = 100;
/// A trading halt starts after this many lines.
const HALT_AFTER: usize = 1_800;

/// Writes the sample.
///
/// The mid price takes a random walk by ticks. Around it orders are placed, mostly for 400 shares and a few ticks away,
/// some large, some far off, fast enough to reach limits of the replay firm; orders that the mid reaches are executed; others are deleted, cut or hit. Some events are
/// of orders from before the start, and one trading halt interrupts the flow.
pub fn generate() -> String {
    let mut market = Market {
        random: Random(SEED),
        text: String::new(),
        lines: 0,
        time_ns: OPEN_NS,
        mid_e4: MID_E4,
        last_order: FIRST_ORDER,
        open: Vec::new(),
    };
    while market.lines < LINES {
        market.step();
    }
    market.text
}

/// Xorshift: small, and good enough to look like a market.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    /// From 0, less than `end`; 0 when there is nothing to choose.
    fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    /// From 1 to `last`.
    fn one_to(&mut self, last: u64) -> u64 {
        self.below(last).saturating_add(1)
    }
}

#[derive(Clone, Copy)]
struct Open {
    order: u64,
    buy: bool,
    price_e4: u64,
    left: u64,
}

struct Market {
    random: Random,
    text: String,
    lines: usize,
    time_ns: u64,
    mid_e4: u64,
    last_order: u64,
    open: Vec<Open>,
}

impl Market {
    fn step(&mut self) {
        if self.lines == HALT_AFTER {
            return self.halt();
        }
        // Events come in bursts.
        let pause_ns = match self.random.below(10) {
            0..=5 => self.random.below(2_000_000),
            _ => self.random.below(30_000_000),
        };
        self.time_ns = self.time_ns.saturating_add(pause_ns);
        if self.random.below(10) < 3 {
            self.mid_e4 = match self.random.below(2) {
                0 => self.mid_e4.saturating_sub(TICK_E4),
                _ => self.mid_e4.saturating_add(TICK_E4),
            };
        }
        let reached = |open: &Open| match open.buy {
            true => open.price_e4 >= self.mid_e4,
            false => open.price_e4 <= self.mid_e4,
        };
        if let Some(index) = self.open.iter().position(reached) {
            return self.execute(index);
        }
        if self.open.len() < 80 {
            return self.submit();
        }
        match self.random.below(1_000) {
            0..=489 => self.submit(),
            490..=889 => self.delete(),
            890..=914 => self.cancel_a_part(),
            915..=944 => self.hit_the_best(),
            945..=993 => self.execute_hidden(),
            _ => self.unknown(),
        }
    }

    fn submit(&mut self) {
        let skipped = self.random.one_to(40);
        self.last_order = self.last_order.saturating_add(skipped);
        let buy = self.random.below(2) == 0;
        let ticks = match self.random.below(100) {
            0..=1 => self.random.one_to(9_000),
            2..=19 => self.random.one_to(60),
            _ => self.random.one_to(12),
        };
        let away_e4 = ticks.saturating_mul(TICK_E4);
        let price_e4 = match buy {
            true => self.mid_e4.saturating_sub(away_e4),
            false => self.mid_e4.saturating_add(away_e4),
        };
        let left = match self.random.below(100) {
            0..=69 => 400,
            70..=84 => self.random.one_to(399),
            85..=98 => self.random.one_to(9).saturating_mul(100),
            _ => self.random.one_to(4).saturating_mul(5_000),
        };
        let open = Open {
            order: self.last_order,
            buy,
            price_e4,
            left,
        };
        self.open.push(open);
        self.line(1, open, left);
    }

    fn delete(&mut self) {
        let index = self.any();
        if let Some(open) = self.open.get(index).copied() {
            self.open.swap_remove(index);
            self.line(3, open, open.left);
        }
    }

    fn cancel_a_part(&mut self) {
        let index = self.any();
        if let Some(open) = self.open.get(index).copied().filter(|open| open.left > 1) {
            let part = self.random.one_to(open.left.saturating_sub(1));
            self.reduce(index, part);
            self.line(2, open, part);
        }
    }

    fn hit_the_best(&mut self) {
        let buy = self.random.below(2) == 0;
        let side = self
            .open
            .iter()
            .enumerate()
            .filter(|(_, open)| open.buy == buy);
        let best = side.min_by_key(|(_, open)| open.price_e4.abs_diff(self.mid_e4));
        if let Some((index, _)) = best {
            self.execute(index);
        }
    }

    fn execute(&mut self, index: usize) {
        if let Some(open) = self.open.get(index).copied() {
            let part = match self.random.below(3) {
                0 => self.random.one_to(open.left),
                _ => open.left,
            };
            self.reduce(index, part);
            self.line(4, open, part);
        }
    }

    fn execute_hidden(&mut self) {
        let hidden = Open {
            order: 0,
            buy: self.random.below(2) == 0,
            price_e4: self.mid_e4,
            left: 0,
        };
        let quantity = self.random.one_to(200);
        self.line(5, hidden, quantity);
    }

    /// An order from before the start is deleted or executed.
    fn unknown(&mut self) {
        let buy = self.random.below(2) == 0;
        let open = Open {
            order: FIRST_ORDER.saturating_sub(self.random.one_to(1_000_000)),
            buy,
            price_e4: match buy {
                true => self.mid_e4.saturating_sub(TICK_E4),
                false => self.mid_e4.saturating_add(TICK_E4),
            },
            left: 0,
        };
        let kind = match self.random.below(2) {
            0 => 3,
            _ => 4,
        };
        self.line(kind, open, 100);
    }

    fn halt(&mut self) {
        for price in ["-1", "0", "1"] {
            self.time_ns = self.time_ns.saturating_add(20_000_000_000);
            let time = time_text(self.time_ns);
            self.push(&format!("{time},7,0,0,{price},-1"));
        }
    }

    fn any(&mut self) -> usize {
        let count = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
        usize::try_from(self.random.below(count)).unwrap_or(0)
    }

    fn reduce(&mut self, index: usize, part: u64) {
        if let Some(open) = self.open.get_mut(index) {
            open.left = open.left.saturating_sub(part);
            if open.left == 0 {
                self.open.swap_remove(index);
            }
        }
    }

    fn line(&mut self, kind: u8, open: Open, quantity: u64) {
        let time = time_text(self.time_ns);
        let direction = if open.buy { "1" } else { "-1" };
        let (order, price_e4) = (open.order, open.price_e4);
        self.push(&format!(
            "{time},{kind},{order},{quantity},{price_e4},{direction}"
        ));
    }

    fn push(&mut self, line: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
        self.lines = self.lines.saturating_add(1);
    }
}

/// Seconds after midnight, without trailing zeros, as the real files have them.
fn time_text(time_ns: u64) -> String {
    let text = format!("{}.{:09}", time_ns / 1_000_000_000, time_ns % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use super::super::lobster::{Reader, summarize};
    use super::*;

    /// To write the file anew after a change of the generator: `BULKHEAD_WRITE_SAMPLE=1 cargo test sample`.
    #[test]
    fn the_generator_writes_the_committed_file() {
        let generated = generate();
        if std::env::var_os("BULKHEAD_WRITE_SAMPLE").is_some() {
            let path = concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/benches/data/sample.lobster.csv"
            );
            std::fs::write(path, &generated).unwrap();
            return;
        }
        let differs = generated
            .lines()
            .zip(TEXT.lines())
            .position(|(a, b)| a != b);
        assert_eq!(differs, None, "first line that differs, from 0");
        assert!(generated == TEXT, "one has more bytes than the other");
    }

    #[test]
    fn the_sample_has_every_kind_of_event_that_matters() {
        let summary = summarize(Reader::new(TEXT.as_bytes())).unwrap();
        assert_eq!(summary.events, 3_000);
        assert!(summary.submissions > 1_000);
        assert!(summary.deletions > 800);
        assert!(summary.executions > 100);
        assert!(summary.partial_cancels > 20);
        assert!(summary.hidden_executions > 50);
        assert_eq!(summary.halts, 3);
    }
}
