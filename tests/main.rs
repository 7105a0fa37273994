//! All tests of the program as a whole, in one binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed"
)]

mod api_server;
mod cli;
mod common;
mod conformance;
mod docs;
mod generate;
mod generated;
mod generators;
mod judges;
mod kinds;
mod laws;
mod peers;
mod pod_security_fixtures;
mod pr;
mod pre_commit;
mod reports;
mod seeds;
mod transforms;
mod walls;
