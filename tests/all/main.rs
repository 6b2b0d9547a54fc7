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

mod analysis;
mod architecture;
mod bad_input;
mod baseline;
mod cancels;
mod check_compose;
mod check_compose_beside;
mod check_compose_files;
mod check_compose_once;
mod check_compose_reach;
mod check_compose_refused;
mod check_compose_storage;
mod check_definer;
mod check_identity;
mod check_profiles;
mod check_sets;
mod check_sets_server;
mod check_types;
mod connections;
mod deploy;
mod disasters;
mod encodings;
mod faults;
mod first_version;
mod footprint;
mod formats;
mod fuzz;
mod groups;
mod initialisation;
mod interrupted;
mod lab;
mod library;
mod lock;
mod log_ins;
mod manifest;
mod migrate;
mod plan;
mod poolers;
mod provision;
mod races;
mod record;
mod refinery;
mod repair;
mod repair_blocks;
mod repair_history;
mod repair_pending;
mod rollback;
mod rollback_commit;
mod rollback_losses;
mod rollback_parts;
mod rows;
mod rule_pages;
mod safety;
mod sandbox;
mod sandbox_system;
mod sets;
mod shop;
mod side_by_side;
mod standby;
mod status;
mod stepwise;
mod stepwise_fates;
mod syntax;
mod tls;
mod transactions;
mod verify;
mod verify_access;
mod verify_allow;
mod verify_bleed;
mod verify_cases;
mod verify_catalogs;
mod verify_chunks;
mod verify_dedicated;
mod verify_drift;
mod verify_files;
mod verify_files_layouts;
mod verify_fuzz;
mod verify_links;
mod verify_privileges;
mod verify_remedies;
mod verify_replica;
mod verify_shape;
mod wrong_target;
