//! How quick the machine itself is while something is measured. Its speed drifts by a third within minutes, so what
//! a long run says about growth means nothing without it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use rustix::time::{ClockId, clock_gettime};

/// How often a fixed piece of work is done: seldom enough to cost what is measured one hundredth of a core.
const EVERY: Duration = Duration::from_millis(250);
/// Words that the work goes over: 4 MB, more than the caches next to a core hold.
const WORDS: usize = 512 * 1_024;
/// Words it changes.
const STEPS: u64 = 200_000;

/// Does the same piece of work again and again.
pub(crate) struct Pace {
    stop: Arc<AtomicBool>,
    probes: JoinHandle<Result<Vec<Probe>>>,
}

/// What the piece of work cost at a moment.
struct Probe {
    /// Milliseconds since 1970.
    at_ms: i64,
    cost: Duration,
}

/// What it cost over a time.
pub(crate) struct Paced(Vec<Probe>);

impl Pace {
    pub(crate) fn keep() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        Self { stop, probes: std::thread::spawn(move || probe_until(&stopped)) }
    }

    pub(crate) fn end(self) -> Result<Paced> {
        self.stop.store(true, Ordering::Relaxed);
        self.probes.join().ok().context("the thread that keeps the pace ended early")?.map(Paced)
    }
}

impl Paced {
    /// Processor time of the piece of work between two moments, in seconds: the mean.
    pub(crate) fn between(&self, begin_ms: i64, end_ms: i64) -> Result<f64> {
        let probes = self.0.iter().filter(|probe| (begin_ms..=end_ms).contains(&probe.at_ms));
        let costs: Vec<f64> = probes.map(|probe| probe.cost.as_secs_f64()).collect();
        ensure!(!costs.is_empty(), "too short to know the machine's own pace");
        Ok(costs.iter().sum::<f64>() / costs.len() as f64)
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn probe_until(stop: &AtomicBool) -> Result<Vec<Probe>> {
    let mut words = vec![0_u64; WORDS];
    let mut probes = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let begun = on_processor()?;
        work(&mut words);
        let cost = on_processor()? - begun;
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        probes.push(Probe { at_ms: i64::try_from(at_ms)?, cost });
        std::thread::sleep(EVERY);
    }
    Ok(probes)
}

/// Changes words all over the memory, each place depending on the one before (Marsaglia's xorshift).
fn work(words: &mut [u64]) {
    let mut at = 0x9E37_79B9_7F4A_7C15_u64;
    for step in 0..STEPS {
        at ^= at << 13;
        at ^= at >> 7;
        at ^= at << 17;
        let word = &mut words[(at % WORDS as u64) as usize];
        *word = word.wrapping_add(step);
        at ^= std::hint::black_box(*word) & 1;
    }
}

/// Processor time of this thread.
fn on_processor() -> Result<Duration> {
    Ok(Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))?)
}
