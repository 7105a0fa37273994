//! All tests of the program as a whole, in one binary.

mod cli;
mod common;
mod docs;
mod generate;
mod generated;
mod laws;
mod peers;
mod seeds;
mod transforms;
mod walls;
