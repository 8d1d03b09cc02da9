//! Tests that need a running PostgreSQL, and a PgBouncer; left out with `--embedded`.

mod faults;
mod opening;
mod plans;
mod suite;
mod tls;
