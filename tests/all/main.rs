//! The one test binary: one file a subject, real servers throughout. `lab.rs` starts them; nothing listens on a default port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::string_slice,
    missing_docs,
    unreachable_pub
)]

mod architecture;
mod bad_input;
mod baseline;
mod faults;
mod lab;
mod lock;
mod manifest;
mod migrate;
mod provision;
mod repair;
mod rows;
mod safety;
mod sandbox;
mod sandbox_system;
mod shop;
mod status;
mod verify;
mod verify_access;
mod verify_bleed;
mod verify_cases;
mod verify_drift;
mod verify_files;
