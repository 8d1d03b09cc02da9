//! The names of everything in Redis: all begin with the prefix, so one Redis may serve many programs.

use onward_core::id::{InputId, JobId, SpanNo};

/// Places for hot chunks. With [`super::chunks::MAX_BYTES`] for each they bound the memory to 256 MiB;
/// a chunk of 1,000 ordinary rows has 20 to 50 KB.
const CHUNK_PLACES: u64 = 1_024;

/// Makes names.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The hash with a job's live checkpoint.
    pub(super) fn checkpoint(&self, job: JobId) -> String {
        format!("{}:job:{job}:checkpoint", self.prefix)
    }

    /// Where the shared rate of a job stands.
    pub(super) fn turns(&self, job: JobId) -> String {
        format!("{}:job:{job}:turns", self.prefix)
    }

    /// The place of a chunk. Two chunks may have the same; the later one stays.
    pub(super) fn chunk(&self, input: InputId, no: SpanNo) -> String {
        let (high, low) = input.0.as_u64_pair();
        let mixed = (high ^ low).wrapping_add(u64::from(no.0));
        format!("{}:chunk:{}", self.prefix, mixed % CHUNK_PLACES)
    }

    /// The channel that wakes other machines.
    pub(super) fn wake(&self) -> String {
        format!("{}:wake", self.prefix)
    }
}
