//! Names of things: jobs, inputs, workers, spans, rows, and the epoch that fences old owners.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// Names a job; a UUIDv7, so ids sort by the time of creation.
    JobId
}
uuid_id! {
    /// Names the stored snapshot of one input file.
    InputId
}

/// Names one start of one worker process; never a host name, so a restarted worker is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerId(pub String);

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The fencing token of a job: grows at every change of ownership or status.
///
/// A claim, and every command, takes the next number of the job's one counter. A span remembers the
/// number under which it was last claimed or taken away; a write that names another is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The next number.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Numbers the spans of a job from 0, in row order. Also the number of the input chunk it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpanNo(pub u32);

impl fmt::Display for SpanNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Numbers the rows of a job from 0. People and clients see [`RowIndex::row`], which counts from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowIndex(pub u32);

impl RowIndex {
    /// The number a person sees: counts from 1.
    #[must_use]
    pub fn row(self) -> u64 {
        u64::from(self.0) + 1
    }

    /// The index behind a number a person gave; `None` for 0 and for numbers no job can have.
    #[must_use]
    pub fn from_row(row: u64) -> Option<Self> {
        u32::try_from(row.checked_sub(1)?).ok().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_count_from_one_for_people() {
        assert_eq!(RowIndex(228).row(), 229);
        assert_eq!(RowIndex::from_row(229), Some(RowIndex(228)));
        assert_eq!(RowIndex::from_row(0), None);
    }
}
