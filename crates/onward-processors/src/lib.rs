//! The kinds of work: code that turns a row into an outcome.
//!
//! Where to look: [`build`] makes the processor of a recipe, from the table in `registry`.
//! `creators/` looks a row up, filters it and gives it to the store to add; `http/` sends rows to an
//! address. Both make their calls in `target`, read answers by the `rules` of the recipe, and go out
//! through `client`, `transport` and [`outbound`], which refuses addresses inside the network the server
//! stands in.
//! [`command`] runs programs. `hooks/` tells other
//! people's servers how a job goes. [`expr`] is the expression language of filters and rules.

mod address;
mod answers;
mod asking;
mod client;
pub mod command;
mod connector;
mod creators;
pub mod expr;
mod hooks;
mod http;
mod invalid;
pub mod outbound;
mod redirect;
mod registry;
mod rules;
mod scope;
mod settings;
mod target;
mod template;
pub mod tls;
mod transport;
mod unpack;
mod wire;

pub use command::{Commands, Guard, NamedCommand};
pub use hooks::HookCourier;
pub use outbound::{Cidr, Outbound};
pub use registry::build;
pub use settings::{SECRET_PREFIX, Secrets, Settings};
