//! Tells cargo to build again when a file of the built-in sets is added, changed or removed.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
