//! A service that applies its own migrations before it serves: `DATABASE_URL=postgresql://… cargo run --example own_set`.
#![allow(clippy::print_stdout, reason = "it is a program")]

use std::error::Error;

static MIGRATIONS: dbctl::Dir =
    dbctl::include_dir!("$CARGO_MANIFEST_DIR/examples/own_set/migrations");

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let database_url = std::env::var("DATABASE_URL")?;
    let set = dbctl::Set::embedded("orders", &MIGRATIONS)?;
    let migrator = dbctl::Migrator::new("orders", set);
    // The future may run anywhere in a runtime of many threads.
    let applied = tokio::spawn(async move { migrator.run(&database_url).await }).await??;
    for migration in &applied {
        println!("applied V{}__{}", migration.version, migration.name);
    }
    println!("ready");
    Ok(())
}
