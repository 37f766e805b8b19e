//! The machine a figure was taken on: which core, how much CPU others took, and what another process used.
#![allow(
    clippy::disallowed_methods,
    reason = "a bench measures by the machine's clock"
)]

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::clock;

/// When our allocator gives freed memory back to the kernel: at once, or never where it is `-1`.
pub const PURGE_DELAY: &str = "MIMALLOC_PURGE_DELAY";

/// Keeps the calling thread, and every thread and process it starts from now on, on one core.
pub fn pin(core: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    Ok(sched_setaffinity(None, &set)?)
}

/// Cores this thread may run on, in ascending order.
pub fn cores() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else {
        return vec![0];
    };
    (0..CpuSet::MAX_CPU)
        .filter(|&core| set.is_set(core))
        .collect()
}

/// CPU time a process has used, all threads that still live, to the nanosecond where the kernel says so.
pub fn process_cpu(pid: u32) -> io::Result<Duration> {
    let mut total = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = task?.path().join("schedstat");
        let Ok(text) = fs::read_to_string(path) else {
            return process_cpu_in_ticks(pid);
        };
        let nanos = text
            .split_whitespace()
            .next()
            .and_then(|field| field.parse().ok());
        total = total.saturating_add(Duration::from_nanos(nanos.unwrap_or(0)));
    }
    Ok(total)
}

/// The same in hundredths of a second, of kernels without scheduler statistics.
fn process_cpu_in_ticks(pid: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in brackets and may hold blanks: count from its end.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(ticks.saturating_mul(10)))
}

/// Bytes of memory this process has in use, as the kernel counts them: what an allocator keeps for later is among them.
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok());
    kib.unwrap_or(0).saturating_mul(1024)
}

/// Pages this process had to be given so far, without a disk.
pub fn page_faults() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the program's name in brackets, which may hold blanks.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let faults = after_name.split_whitespace().nth(7);
    faults.and_then(|field| field.parse().ok()).unwrap_or(0)
}

/// What the machine did besides the measured work, in percent of one core.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    /// Taken by the hypervisor for other guests.
    pub steal: f64,
    /// Used by processes other than the measured ones.
    pub foreign: f64,
}

impl Noise {
    /// Up to here a figure is taken at its word: less than 6 % stolen, less than 15 % of a core used by others.
    pub fn is_quiet(&self) -> bool {
        self.steal < 6.0 && self.foreign < 15.0
    }

    /// The worst of two.
    pub fn max(self, other: Self) -> Self {
        Self {
            steal: self.steal.max(other.steal),
            foreign: self.foreign.max(other.foreign),
        }
    }
}

/// Watches the machine from its creation until [`Watch::noise`]. Reads /proc/stat, whose step is 10 ms: watch for half a second or more.
pub struct Watch {
    wall: Instant,
    machine: Ticks,
    own: Duration,
    /// Other processes that belong to the measurement, with what they had used at the start.
    others: Vec<(u32, Duration)>,
}

impl Watch {
    /// Starts watching; `measured` are the processes besides this one whose work is not noise.
    pub fn start(measured: &[u32]) -> Self {
        Self {
            wall: Instant::now(),
            machine: Ticks::read(),
            own: clock::process_cpu(),
            others: measured
                .iter()
                .map(|&pid| (pid, process_cpu(pid).unwrap_or_default()))
                .collect(),
        }
    }

    /// What others have used since the start.
    pub fn noise(&self) -> Noise {
        let wall = self.wall.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
        let machine = Ticks::read();
        let mut measured = clock::process_cpu().saturating_sub(self.own).as_secs_f64();
        for &(pid, before) in &self.others {
            let now = process_cpu(pid).unwrap_or(before);
            measured += now.saturating_sub(before).as_secs_f64();
        }
        let percent = |seconds: f64| (100.0 * seconds / wall).max(0.0);
        Noise {
            steal: percent(machine.steal - self.machine.steal),
            foreign: percent(machine.busy - self.machine.busy - measured),
        }
    }
}

/// Seconds of CPU over all cores since boot.
#[derive(Clone, Copy, Default)]
struct Ticks {
    busy: f64,
    steal: f64,
}

impl Ticks {
    fn read() -> Self {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let first = text.lines().next().unwrap_or_default();
        let fields: Vec<f64> = first
            .split_whitespace()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        let field = |at: usize| fields.get(at).copied().unwrap_or(0.0) / 100.0;
        // user, nice, system, idle, iowait, irq, softirq, steal
        Self {
            busy: field(0) + field(1) + field(2) + field(5) + field(6),
            steal: field(7),
        }
    }
}

/// Touches this much memory once and gives it back to the allocator, so that the first touch of it, by the process and by a virtual
/// machine, is not measured as ours. An allocator that gives it back to the kernel has to be kept from that: [`keep_memory`].
pub fn touch_memory(bytes: usize) {
    // In pieces, which an allocator takes from what it shares out later; one large block it would map and unmap.
    const PIECE: usize = 1 << 20;
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    while pieces.len().saturating_mul(PIECE) < bytes {
        let mut piece = vec![0_u8; PIECE];
        for page in piece.chunks_mut(4096) {
            page.fill(1);
        }
        pieces.push(piece);
    }
    std::hint::black_box(&pieces);
}

/// Starts this program again with an allocator that keeps what it was given. Returns only on failure, and where it is started so already.
pub fn keep_memory() -> io::Result<()> {
    if std::env::var_os(PURGE_DELAY).is_some() {
        return Ok(());
    }
    let mut again = Command::new(std::env::current_exe()?);
    let args = std::env::args_os().skip(1);
    Err(again.args(args).env(PURGE_DELAY, "-1").exec())
}
