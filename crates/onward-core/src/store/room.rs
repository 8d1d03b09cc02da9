//! Whether the disk under a ledger takes what is written to it.

use crate::job::Pause;
use crate::state::PauseReason;

/// Whether a store has room to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It has, as far as it knows.
    Enough,
    /// The disk is full. What was kept free for this case is there for the rows in hand and for holding the
    /// jobs; nothing new is to be begun.
    Short {
        /// So much has to be free before work goes on, in bytes.
        needs: u64,
    },
}

impl Room {
    /// What is said of a job that is held for want of room; `None` when there is enough. It names no moment at
    /// which the job is tried again: whoever looks after the store resumes it once there is room.
    #[must_use]
    pub fn hold(self) -> Option<Pause> {
        let Self::Short { needs } = self else { return None };
        let message = format!(
            "no room is left on the disk of the ledger; what is done is saved, and the job goes on by itself \
             when {} are free",
            size(needs)
        );
        Some(Pause { reason: PauseReason::DiskFull, message, probe_at: None })
    }
}

fn size(bytes: u64) -> String {
    const KIB: u64 = 1_024;
    const MIB: u64 = 1_024 * KIB;
    if bytes < MIB { format!("{} KiB", bytes.div_ceil(KIB)) } else { format!("{} MiB", bytes.div_ceil(MIB)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_is_held_for_want_of_room_says_how_much_is_wanted() {
        assert_eq!(Room::Enough.hold(), None);
        for (needs, said) in [(16 << 20, "when 16 MiB are free"), (500 << 10, "when 500 KiB are free")] {
            let pause = Room::Short { needs }.hold().unwrap();
            assert_eq!((pause.reason, pause.probe_at), (PauseReason::DiskFull, None));
            assert!(pause.message.ends_with(said), "{}", pause.message);
        }
    }
}
