//! How an attempt went over time: rows per second, time per row, and how many calls were under way.
//!
//! Made from single records ([`Mark`]), each of which stands for `every` rows of the job. Counts made
//! from a sample are a picture, not an account: the counters of the spans are the account.

use crate::clock::UnixMs;
use crate::store::Mark;
use crate::tally::Tally;

/// So many buckets at most: more would be narrower than a pixel or two on a telephone.
pub const MOST_BUCKETS: usize = 60;
/// No bucket is shorter, in milliseconds: below it a rate is a row more or less.
const LEAST_BUCKET_MS: u64 = 1_000;

/// A stretch of time and what happened in it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bucket {
    /// Rows that got an outcome in it.
    pub tally: Tally,
    /// The time a row took from its first call to its outcome, in milliseconds: half took less.
    pub p50_ms: Option<u64>,
    /// The same: 95 of 100 took less.
    pub p95_ms: Option<u64>,
    /// Calls under way at a time, on average.
    pub in_flight: f64,
}

/// How an attempt went over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// When the first bucket begins.
    pub from: UnixMs,
    /// The length of each.
    pub bucket_ms: u64,
    /// In order of time.
    pub buckets: Vec<Bucket>,
    /// Each record stands for so many rows.
    pub every: u32,
    /// Milliseconds that all rows together were under way.
    pub busy_ms: u64,
    /// Those of rows that needed more than one call.
    pub retried_ms: u64,
    /// Rows that needed more than one call.
    pub retried_rows: u64,
}

impl Trend {
    /// Milliseconds from the first to the last bucket's end.
    #[must_use]
    pub fn wall_ms(&self) -> u64 {
        self.bucket_ms * self.buckets.len() as u64
    }
}

/// The trend of what finished in `from..=to`; `None` when nothing did.
#[must_use]
pub fn trend(marks: &[Mark], every: u32, from: UnixMs, to: UnixMs) -> Option<Trend> {
    let within: Vec<&Mark> =
        marks.iter().filter(|mark| mark.finished_at >= from && mark.finished_at <= to).collect();
    if within.is_empty() {
        return None;
    }
    let wall_ms = to.ms_since(from).max(1);
    let bucket_ms = wall_ms.div_ceil(MOST_BUCKETS as u64).max(LEAST_BUCKET_MS);
    let count = usize::try_from(wall_ms.div_ceil(bucket_ms)).unwrap_or(MOST_BUCKETS).max(1);
    let mut buckets = vec![Bucket::default(); count];
    let mut took: Vec<Vec<u64>> = vec![Vec::new(); count];
    let weight = u64::from(every.max(1));
    let (mut busy_ms, mut retried_ms, mut retried_rows) = (0, 0, 0);
    for mark in within {
        let at = usize::try_from(mark.finished_at.ms_since(from) / bucket_ms).unwrap_or(count).min(count - 1);
        *slot(&mut buckets[at].tally, mark) += weight;
        if mark.tries == 0 {
            continue;
        }
        took[at].push(mark.duration_ms);
        let ms = mark.duration_ms * weight;
        busy_ms += ms;
        if mark.tries > 1 {
            retried_ms += ms;
            retried_rows += weight;
        }
        spread(&mut buckets, from, bucket_ms, mark, weight);
    }
    for (bucket, took) in buckets.iter_mut().zip(&mut took) {
        took.sort_unstable();
        bucket.p50_ms = quantile(took, 50);
        bucket.p95_ms = quantile(took, 95);
    }
    Some(Trend { from, bucket_ms, buckets, every: every.max(1), busy_ms, retried_ms, retried_rows })
}

fn slot<'a>(tally: &'a mut Tally, mark: &Mark) -> &'a mut u64 {
    use crate::row::Outcome::{Added, Failed, Filtered, Skipped};
    match mark.outcome {
        Added => &mut tally.added,
        Failed => &mut tally.failed,
        Skipped => &mut tally.skipped,
        Filtered => &mut tally.filtered,
    }
}

/// Adds the time a row was under way to the buckets it was under way in.
fn spread(buckets: &mut [Bucket], from: UnixMs, bucket_ms: u64, mark: &Mark, weight: u64) {
    let end = mark.finished_at.ms_since(from);
    let begin = end.saturating_sub(mark.duration_ms);
    let first = begin / bucket_ms;
    for at in first..=end / bucket_ms {
        let Some(bucket) = usize::try_from(at).ok().and_then(|at| buckets.get_mut(at)) else { continue };
        let (left, right) = (begin.max(at * bucket_ms), end.min((at + 1) * bucket_ms));
        bucket.in_flight += (right.saturating_sub(left) * weight) as f64 / bucket_ms as f64;
    }
}

/// The nearest-rank quantile of sorted values.
fn quantile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::RowIndex;
    use crate::row::Outcome;

    fn mark(row: u32, at_ms: i64, duration_ms: u64, tries: u32) -> Mark {
        let (outcome, finished_at) = (Outcome::Added, UnixMs(at_ms));
        Mark { index: RowIndex(row), outcome, tries, duration_ms, finished_at }
    }

    #[test]
    fn rows_are_counted_in_the_second_in_which_they_finish() {
        let marks = [mark(0, 500, 100, 1), mark(1, 900, 300, 1), mark(2, 2_500, 200, 2)];
        let trend = trend(&marks, 1, UnixMs(0), UnixMs(3_000)).unwrap();
        let rows: Vec<u64> = trend.buckets.iter().map(|bucket| bucket.tally.added).collect();
        assert_eq!((trend.bucket_ms, rows), (1_000, vec![2, 0, 1]));
        assert_eq!((trend.buckets[0].p50_ms, trend.buckets[0].p95_ms), (Some(100), Some(300)));
        assert_eq!((trend.busy_ms, trend.retried_ms, trend.retried_rows), (600, 200, 1));
    }

    #[test]
    fn a_sampled_record_stands_for_the_rows_it_was_taken_from() {
        let trend = trend(&[mark(0, 10, 5, 1)], 200, UnixMs(0), UnixMs(900)).unwrap();
        assert_eq!((trend.buckets[0].tally.added, trend.every), (200, 200));
        assert!((trend.buckets[0].in_flight - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_long_call_is_under_way_in_every_bucket_it_spans() {
        let trend = trend(&[mark(0, 3_000, 3_000, 1)], 1, UnixMs(0), UnixMs(4_000)).unwrap();
        let busy: Vec<f64> = trend.buckets.iter().map(|bucket| bucket.in_flight).collect();
        assert_eq!(busy, [1.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn there_are_never_more_buckets_than_pixels() {
        let day = 86_400_000;
        let marks: Vec<Mark> = (0..500).map(|row| mark(row, i64::from(row) * 170_000, 50, 1)).collect();
        let trend = trend(&marks, 1, UnixMs(0), UnixMs(day)).unwrap();
        assert!(trend.buckets.len() <= MOST_BUCKETS);
        assert_eq!(trend.buckets.iter().map(|bucket| bucket.tally.added).sum::<u64>(), 500);
        assert_eq!(super::trend(&[], 1, UnixMs(0), UnixMs(day)), None);
    }
}
