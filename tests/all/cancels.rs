//! Interrupts that come at a bad moment, and requests to cancel that reach the server late: what they hit is the statement they were
//! meant for, and nothing after it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::shop::{DB, Holder, ROLE, Shop, join, send};

/// How a request to cancel begins: its length and its code (PostgreSQL documentation, "Message Formats").
const CANCEL: [u8; 8] = [0, 0, 0, 16, 4, 210, 22, 46];

const GOODS: (&str, &str) = (
    "V1__goods.sql",
    "CREATE TABLE goods (id int PRIMARY KEY, name text); INSERT INTO goods VALUES (1, 'a');",
);
const INDEX: (&str, &str) = (
    "V2__index.sql",
    "CREATE INDEX CONCURRENTLY goods_name_idx ON goods (name);",
);
const COLUMN: (&str, &str) = ("V2__column.sql", "ALTER TABLE goods ADD COLUMN size int;");

/// A way to the server on which requests to cancel take their time.
fn slow_for_cancels(server: String, delay: Duration) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    // Ends with the test process; while it lives it only waits.
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let (back, answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || carry(client, server, delay));
            std::thread::spawn(move || carry(answers, back, Duration::ZERO));
        }
    });
    port
}

fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if bytes[..read].starts_with(&CANCEL) {
            std::thread::sleep(delay);
        }
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    to.shutdown(Shutdown::Write).ok();
}

/// A shop whose first migration is applied, and that reaches its server on the slow way from now on.
fn slow_shop(second: (&str, &str)) -> Shop {
    let mut shop = Shop::new(&[GOODS, second]);
    shop.migrate(&["--target", "1"]).exits(0);
    let url = shop.lab.url(DB, ROLE);
    let (_, place) = url.rsplit_once('@').unwrap();
    let (server, _) = place.split_once('/').unwrap();
    let port = slow_for_cancels(server.to_owned(), Duration::from_millis(700));
    let through = url.replace(server, &format!("127.0.0.1:{port}"));
    shop.lab.env.insert("RGB_USERS_URL".to_owned(), through);
    shop
}

#[test]
fn a_late_cancel_hits_nothing_but_its_statement() {
    // What the index leaves waits for the same transaction, until its own time is over and not until somebody cancels that too.
    let left = "which could not be taken away now (V2__index.sql: the invalid index public.goods_name_idx is to be taken away first: DROP INDEX CONCURRENTLY IF EXISTS public.goods_name_idx: canceling statement due to lock timeout";
    for (second, held, says) in [
        (COLUMN, "BEGIN; LOCK TABLE goods IN ACCESS SHARE MODE;", ""),
        (
            INDEX,
            "BEGIN; UPDATE goods SET name = name WHERE id = 1;",
            left,
        ),
    ] {
        let shop = slow_shop(second);
        let holder = Holder::new(&shop.lab, held);
        let runner = shop.spawn(&["--lock-timeout", "30s"]);
        shop.until_backend("wait_event_type = 'Lock'");
        send(&runner, Signal::SIGINT);
        join(runner)
            .exits(130)
            .says(&format!("{}: interrupted", second.0))
            .says(says);
        shop.until_no_backend();
        holder.release();
        shop.migrate(&[]).exits(0);
    }
}

#[test]
fn an_interrupt_while_something_is_taken_away_is_an_interrupt() {
    let shop = Shop::new(&[GOODS, INDEX]);
    shop.migrate(&["--target", "1"]).exits(0);
    let holder = Holder::new(
        &shop.lab,
        "BEGIN; UPDATE goods SET name = name WHERE id = 1;",
    );
    let runner = shop.spawn(&["--lock-timeout", "2s"]);
    // The index is not finished in that time, and to take away what there is of it waits for the same transaction.
    shop.until_backend("query LIKE 'DROP INDEX%' AND wait_event_type = 'Lock'");
    send(&runner, Signal::SIGINT);
    join(runner)
        .exits(130)
        .says("V2__index.sql: interrupted; it has left")
        .says("the next run takes it away");
    holder.release();
    shop.until_no_backend();
    shop.migrate(&[]).exits(0);
    assert_eq!(
        shop.sql("SELECT count(*) FROM pg_index WHERE NOT indisvalid"),
        "0"
    );
}
