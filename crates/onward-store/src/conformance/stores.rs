//! The suite, run for each store of this crate.

/// The model against its own contract.
mod memory {
    use std::sync::Arc;

    use crate::conformance::Subject;
    use crate::memory::MemoryStore;

    async fn make() -> Subject {
        let store = Arc::new(MemoryStore::new());
        let damaged = store.clone();
        Subject::new(store).with_planter(Arc::new(move |job, damage| damaged.plant(job, damage)))
    }

    crate::conformance!(make);
}

/// The model with a Redis beside it: nothing is different.
mod layered {
    use std::sync::Arc;

    use crate::conformance::Subject;
    use crate::layered::LayeredStore;
    use crate::memory::MemoryStore;
    use crate::redis::Redis;

    async fn make() -> Subject {
        let redis = onward_testkit::Redis::start().unwrap();
        let ledger = Arc::new(MemoryStore::new());
        let damaged = ledger.clone();
        let store = LayeredStore::new(ledger, Redis::at(&redis.url(), "test").unwrap());
        let planter = Arc::new(move |job, damage| damaged.plant(job, damage));
        Subject::new(Arc::new(store)).with_planter(planter).keeping(redis)
    }

    crate::conformance!(make);
}

/// What everybody uses.
mod sqlite {
    use std::path::Path;
    use std::sync::Arc;

    use onward_core::id::JobId;
    use rusqlite::{Connection, params};

    use crate::conformance::{Damage, Subject};
    use crate::open::Mode;
    use crate::sqlite::SqliteStore;

    async fn make() -> Subject {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("onward.db");
        let store = SqliteStore::open(&path, Mode::Serve).unwrap();
        let planter = Arc::new(move |job, damage| plant(&path, job, damage));
        Subject::new(Arc::new(store)).with_planter(planter).keeping(folder)
    }

    /// Damages the tables through a connection of its own, as another program would.
    fn plant(path: &Path, job: JobId, damage: Damage) -> bool {
        const OF_JOB: &str = "(SELECT id FROM jobs WHERE uuid = ?1)";
        const OF_INPUT: &str = "(SELECT input FROM jobs WHERE uuid = ?1)";
        let damaged = match damage {
            Damage::CounterRaised => {
                format!("UPDATE spans SET added = added + 1 WHERE no = 0 AND job = {OF_JOB}")
            }
            Damage::RecordLost => format!("DELETE FROM outcomes WHERE row = 0 AND job = {OF_JOB}"),
            Damage::ChunkChanged => format!(
                "UPDATE chunks SET packed = cast('X' || substr(packed, 2) AS BLOB) WHERE no = 0 AND input = {OF_INPUT}"
            ),
            Damage::ChunkLost => format!("DELETE FROM chunks WHERE no = 0 AND input = {OF_INPUT}"),
            Damage::CheckpointMoved => {
                format!("UPDATE spans SET low_water = low_water + 1 WHERE no = 0 AND job = {OF_JOB}")
            }
        };
        let db = Connection::open(path).unwrap();
        db.execute(&damaged, params![job.to_string()]).unwrap() == 1
    }

    crate::conformance!(make);
}
