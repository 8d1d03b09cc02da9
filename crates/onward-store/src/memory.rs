//! The model of a store, in memory.
