//! Every kind of work against real servers on loopback.

mod contract;
mod creators;
mod http;
mod support;
