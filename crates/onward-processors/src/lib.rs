//! The kinds of work: code that turns a row into an outcome.
//!
//! Where to look: [`build`] makes the processor of a recipe, from the table in `registry`.
//! `creators/` looks a row up, filters it and gives it to the store to add; `http` sends each row to
//! an address. Both go out through `client` and [`outbound`], which refuses addresses inside the
//! network the server stands in. [`expr`] is the expression language of filters.

mod address;
mod answers;
mod client;
mod creators;
pub mod expr;
mod fields;
mod http;
mod invalid;
pub mod outbound;
mod registry;
mod settings;
mod template;
pub mod tls;

pub use outbound::{Cidr, Outbound};
pub use registry::build;
pub use settings::{SECRET_PREFIX, Secrets, Settings};
