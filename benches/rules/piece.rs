//! One line of the bench: a call that is repeated.

use std::hint::black_box;
use std::time::Duration;

use super::support::clock;
use super::support::rounds::nanos_each;

pub struct Piece {
    /// What is measured: lower case words and slashes, the same in every run.
    pub name: String,
    repeat: Box<dyn FnMut(u64)>,
    times: u64,
}

impl Piece {
    /// A call that needs nothing but what it captured.
    pub fn of<T>(name: &str, mut call: impl FnMut() -> T + 'static) -> Self {
        let repeat = move |times| {
            for _ in 0..times {
                black_box(call());
            }
        };
        Self {
            name: name.to_owned(),
            repeat: Box::new(repeat),
            times: 1,
        }
    }

    /// Finds out how often the call fits in `time`, and warms it up on the way.
    pub fn calibrate(&mut self, time: Duration) {
        while self.run() < time {
            self.times = self.times.saturating_mul(2);
        }
    }

    /// CPU time of one call.
    pub fn nanos(&mut self) -> f64 {
        let times = usize::try_from(self.times).unwrap_or(usize::MAX);
        nanos_each(self.run(), times)
    }

    fn run(&mut self) -> Duration {
        clock::thread_cpu_of(|| (self.repeat)(self.times)).0
    }
}
