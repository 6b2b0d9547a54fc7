//! docs/migrating.md, "A first version, written from the database": its commands run as they stand there, and their result is adopted.

use std::process::Command;

use crate::lab::{Lab, finish, password};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/migrating.md");

/// What an application has made, with the table of the tool that made it.
const THERE: &str = "
CREATE SCHEMA stock;
CREATE TYPE order_state AS ENUM ('open', 'paid');
CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigserial PRIMARY KEY, customer bigint NOT NULL REFERENCES customers,
  state order_state NOT NULL DEFAULT 'open', total numeric(12,2) CHECK (total >= 0));
CREATE INDEX orders_open_idx ON orders (customer) WHERE state = 'open';
CREATE TABLE stock.items (id int PRIMARY KEY);
COMMENT ON TABLE orders IS 'what was ordered';
CREATE VIEW open_orders AS SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer WHERE o.state = 'open';
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.state := 'open'; RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touched();
CREATE TABLE flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
  type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int, installed_by varchar(100) NOT NULL,
  installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL, success boolean NOT NULL);
INSERT INTO flyway_schema_history VALUES (1, '1', 'init', 'SQL', 'V1__init.sql', 1, 'x', now(), 1, true);
";

/// The commands of the page.
fn recipe() -> String {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (_, section) = page
        .split_once("### A first version, written from the database\n")
        .unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_recipe_writes_a_set_that_is_adopted() {
    let lab = Lab::new();
    let (database, role) = (lab.db("orders"), lab.db("orders_user"));
    lab.sql(
        "postgres",
        &format!(
            "CREATE ROLE {role} LOGIN PASSWORD $pw${}$pw$; CREATE DATABASE {database} OWNER {role};",
            password("orders_user")
        ),
    );
    // An administrator's extension with a comment, which the service's role may not write.
    lab.sql("orders", "CREATE EXTENSION pg_trgm");
    lab.sql_as("orders", "orders_user", THERE).unwrap();
    lab.write(
        "dbctl.toml",
        format!(
            "version = 1\nsets = \"migrations\"\n[services.orders]\nstore = \"postgres\"\nset = \"orders\"\n\
             database = \"{database}\"\nrole = \"{role}\"\nurl = {{ env = \"ORDERS_DATABASE_URL\" }}\n"
        ),
    );
    let url = lab.url("orders", "orders_user");
    let mut command = Command::new("/bin/sh");
    command
        .args(["-euc", &recipe()])
        .current_dir(lab.path())
        .env("ORDERS_DATABASE_URL", &url)
        .env(
            "PATH",
            format!("{}:{}", lab.bin().display(), std::env::var("PATH").unwrap()),
        );
    finish(command).exits(0);

    let dbctl = |args: &[&str]| {
        let mut command = lab.command(args);
        command.env("ORDERS_DATABASE_URL", &url);
        finish(command)
    };
    let bin = lab.bin().to_str().unwrap();
    dbctl(&["lock", "--postgres-bin", bin])
        .exits(0)
        .says("written");
    dbctl(&["check", "--fail-on", "info"]).exits(0);
    dbctl(&["baseline", "--service", "orders", "--dry-run"])
        .exits(0)
        .says("proven, would be adopted")
        .says("Flyway has migrated this database");
    dbctl(&["baseline", "--service", "orders"])
        .exits(0)
        .says("recorded V1__schema");
    dbctl(&["status"]).exits(0).says("up to date");
}
