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
