//! Where the ledger lives.
//!
//! [`open::open`] takes an address and answers a store. [`memory`] is the model of the contract in
//! [`onward_core::store`] and the oracle of its tests; [`sqlite`] is what everybody begins with;
//! [`postgres`] is for several machines; [`layered`] puts hot copies in [`redis`] beside any of them;
//! `conformance` is the one suite every store must pass.

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod layered;
pub mod memory;
pub mod open;
pub mod postgres;
pub mod redis;
pub mod sqlite;

mod percent;
mod stored;
