//! Rows of an indexer in the migrated tables: a second time they are not there twice, they lie in chunks of the right width, the
//! usual lookups use an index, and what cannot be true is refused.

use dbctl::secret::Secret;

use crate::lab::{Lab, binaries, start};

const K: (&str, &str) = ("ksocial", "k_social_user");
const S: (&str, &str) = ("simply_kaspa", "simply_kaspa_user");
const R: (&str, &str) = ("rgb_lightning_node", "rgb_user");

/// Helpers of the SQL below: a hash from a word and a number, and an instant from milliseconds.
const HELPERS: &str = "\
CREATE FUNCTION pg_temp.h(word text, n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT sha256(convert_to(word || n, 'UTF8')) $$;
CREATE FUNCTION pg_temp.at(ms bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$ SELECT to_timestamp(ms / 1000.0) $$;
";

/// What an indexer writes for one block, one post and so on: the table, and the columns and values of a row.
const BLOCK: (&str, &str) = (
    "blocks",
    "(hash, time, parents, previous_hash, merkle_root, accepted_id_merkle_root, utxo_commitment, \"timestamp\", bits, nonce, \
     daa_score, blue_score, blue_work, pruning_point, difficulty, selected_parent_hash, transaction_count, is_chain_block) \
     SELECT pg_temp.h('b', n), pg_temp.at(ms), ARRAY[pg_temp.h('b', n - 1), pg_temp.h('b', n - 2)], pg_temp.h('b', n - 1), \
     pg_temp.h('m', n), pg_temp.h('a', n), pg_temp.h('u', n), ms, 4294967295, 18446744073709551615 - n, n, n, \
     6277101735386680763835789423207666416102355444464034512895 - n, pg_temp.h('b', 0), 1.5e15, pg_temp.h('b', n - 1), 2, n % 3 = 0",
);
const TRANSACTION: (&str, &str) = (
    "transactions",
    "(transaction_id, time, block_hash, block_time, version, lock_time, subnetwork_id, gas, input_count, output_count, \
     total_input_value, total_output_value, fee, mass) SELECT pg_temp.h('t', n), pg_temp.at(ms), pg_temp.h('b', n / 2), pg_temp.at(ms), \
     0, 18446744073709551615, decode(repeat('00', 20), 'hex'), 0, 1, 2, 100000, 90000, 10000, 2036",
);
const ACCEPTANCE: (&str, &str) = (
    "transactions_acceptances",
    "(transaction_id, block_hash, time) SELECT pg_temp.h('t', n), pg_temp.h('b', n / 2 + 1), pg_temp.at(ms + 100)",
);
const INPUT: (&str, &str) = (
    "transaction_inputs",
    "(transaction_id, input_index, previous_outpoint_hash, previous_outpoint_index, signature_script, sequence, sig_op_count, value, \
     address, time) SELECT pg_temp.h('t', n), 0, pg_temp.h('t', n - 100), n % 2, '\\x41ff', 18446744073709551615, 1, 100000, \
     'kaspa:q' || n % 500, pg_temp.at(ms)",
);
const OUTPUT: (&str, &str) = (
    "transaction_outputs",
    "(transaction_id, output_index, value, script_public_key, address, time) SELECT pg_temp.h('t', n), 0, 45000, '\\x20ac', \
     'kaspa:q' || n % 500, pg_temp.at(ms)",
);
const POST: (&str, &str) = (
    "k_posts",
    "(time, transaction_id, author_address, content, reply_to, block_time, block_hash) SELECT pg_temp.at(ms), pg_temp.h('p', n), \
     'kaspa:q' || n % 500, 'post ' || n, CASE WHEN n % 3 = 0 THEN pg_temp.h('p', n / 10) END, pg_temp.at(ms), pg_temp.h('b', n / 3)",
);
const VOTE: (&str, &str) = (
    "k_votes",
    "(time, transaction_id, voter_address, post_id, vote_type, block_time, block_hash) SELECT pg_temp.at(ms), pg_temp.h('v', n), \
     'kaspa:q' || n * 7 % 500, pg_temp.h('p', n / 5), n % 3 - 1, pg_temp.at(ms), pg_temp.h('b', n / 3)",
);
const FOLLOW: (&str, &str) = (
    "k_follows",
    "(time, transaction_id, follower_address, following_address, is_active, block_time, block_hash) SELECT pg_temp.at(ms), \
     pg_temp.h('f', n), 'kaspa:q' || n * 7 % 500, 'kaspa:q' || n * 11 % 499, n % 9 <> 0, pg_temp.at(ms), pg_temp.h('b', n / 3)",
);
const K_TRANSACTION: (&str, &str) = (
    "k_transactions",
    "(time, transaction_id, block_hash, block_time, sender_address, transaction_type, data_payload) SELECT pg_temp.at(ms), \
     pg_temp.h('p', n), pg_temp.h('b', n / 3), pg_temp.at(ms), 'kaspa:q' || n % 500, 'post', '{\"text\": \"hello\"}'",
);

const OF_K: [(&str, &str); 4] = [POST, VOTE, FOLLOW, K_TRANSACTION];
const OF_S: [(&str, &str); 5] = [BLOCK, TRANSACTION, ACCEPTANCE, INPUT, OUTPUT];

/// Fills the hypertables of both indexers, and returns them by database.
pub fn fill(lab: &Lab) -> [(&'static str, Vec<&'static str>); 2] {
    let filled = |(database, _): (&'static str, _), rows: &[(&'static str, &str)]| {
        let statements: Vec<String> = rows.iter().map(|row| insert(*row, 500, 60_000)).collect();
        lab.sql(database, &format!("{HELPERS}{}", statements.join(";\n")));
        (database, rows.iter().map(|(table, _)| *table).collect())
    };
    [filled(K, &OF_K), filled(S, &OF_S)]
}

/// Gives every hypertable of the social indexer so many chunks.
pub fn spread(lab: &Lab, chunks: u32) {
    let statements: Vec<String> = OF_K
        .iter()
        .map(|row| insert(*row, chunks, 6 * 3600 * 1000))
        .collect();
    lab.sql(K.0, &format!("{HELPERS}{}", statements.join(";\n")));
}

/// A moment of the chain, 1 ms after a chunk of 6 h, 30 and 15 minutes begins.
const START: i64 = 1_700_092_800_001;

/// The statement that writes these rows: `n` from 1 to `count`, each `step` milliseconds after the one before.
fn insert((table, row): (&str, &str), count: u32, step: u32) -> String {
    format!(
        "INSERT INTO {table} {row} FROM (SELECT n::bigint, {START} + n::bigint * {step} AS ms FROM generate_series(1, {count}) n) g \
         ON CONFLICT DO NOTHING"
    )
}

/// A session of the service's own role, as an indexer has one.
struct Session {
    runtime: tokio::runtime::Runtime,
    client: tokio_postgres::Client,
}

impl Session {
    fn new(lab: &Lab, (database, role): (&str, &str)) -> Self {
        let url = Secret::new(lab.url(database, role));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url.expose(), tokio_postgres::NoTls)
                .await
                .unwrap();
            tokio::spawn(connection);
            client
        });
        let session = Self { runtime, client };
        session.batch(HELPERS);
        session
    }

    #[track_caller]
    fn batch(&self, sql: &str) {
        self.runtime
            .block_on(self.client.batch_execute(sql))
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// How many rows the server says that the statement has written: its command tag.
    #[track_caller]
    fn execute(&self, sql: &str) -> u64 {
        self.runtime
            .block_on(self.client.execute(sql, &[]))
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The constraint that refuses this statement.
    #[track_caller]
    fn refused_by(&self, sql: &str) -> String {
        let error = self
            .runtime
            .block_on(self.client.execute(sql, &[]))
            .expect_err(sql);
        let error = error.as_db_error().unwrap();
        error
            .constraint()
            .unwrap_or_else(|| error.message())
            .to_owned()
    }

    /// The first column of every row.
    #[track_caller]
    fn column(&self, sql: &str) -> Vec<String> {
        self.runtime
            .block_on(self.client.query(sql, &[]))
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// The plan of a lookup when tables may only be read as a whole where nothing else is possible.
    #[track_caller]
    fn plan(&self, sql: &str) -> String {
        self.batch("SET enable_seqscan = off");
        self.column(&format!("EXPLAIN (COSTS OFF) {sql}"))
            .join("\n")
    }
}

fn indexed_twice_is_there_once(lab: &Lab) {
    for (service, rows) in [(K, OF_K.as_slice()), (S, &OF_S)] {
        let session = Session::new(lab, service);
        for row in rows {
            let statement = insert(*row, 3, 1000);
            assert_eq!(session.execute(&statement), 3, "{statement}");
            assert_eq!(session.execute(&statement), 0, "{statement}");
            assert_eq!(
                session.column(&format!("SELECT count(*)::text FROM {}", row.0)),
                ["3"]
            );
        }
    }
}

fn chunks_are_as_wide_as_asked(lab: &Lab) {
    for (service, rows, step) in [
        (K, OF_K.as_slice(), 6 * 3600 * 1000),
        (S, &OF_S, 30 * 60 * 1000),
    ] {
        let session = Session::new(lab, service);
        for row in rows {
            session.execute(&insert(*row, 3, step));
            let chunks = session.column(&format!(
                "SELECT DISTINCT (range_end - range_start)::text FROM timescaledb_information.chunks WHERE hypertable_name = '{}'",
                row.0
            ));
            let expected = match (service, row.0) {
                (K, _) => "06:00:00",
                (_, "blocks") => "00:30:00",
                _ => "00:15:00",
            };
            assert_eq!(chunks, [expected], "{}", row.0);
            let count = session.column(&format!(
                "SELECT count(*)::text FROM timescaledb_information.chunks WHERE hypertable_name = '{}' \
                 AND range_start > to_timestamp({START} / 1000.0)",
                row.0
            ));
            assert_eq!(count, ["3"], "{}", row.0);
        }
    }
}

#[test]
fn what_is_indexed_twice_is_there_once_in_chunks_of_the_right_width() {
    let lab = Lab::migrated();
    indexed_twice_is_there_once(&lab);
    chunks_are_as_wide_as_asked(&lab);
}

#[test]
fn postgresql_18_deduplicates_and_partitions_as_well() {
    let Some(binaries) = binaries(18, true) else {
        return;
    };
    let server = start(&binaries, true, &[]);
    let lab = Lab::on(&server, "timescaledb");
    lab.run(&["provision", "-q"]).exits(0);
    lab.run(&["migrate", "-q"]).exits(0);
    indexed_twice_is_there_once(&lab);
    chunks_are_as_wide_as_asked(&lab);
    seeds_are_there(&lab);
}

/// Asserts that a lookup reads no table as a whole, and that each of its scans uses this index (or, on a chunk, its copy).
#[track_caller]
fn uses(session: &Session, lookup: &str, index: &str) {
    let plan = session.plan(lookup);
    assert!(!plan.contains("Seq Scan"), "{lookup}\n{plan}");
    let scans: Vec<&str> = plan
        .lines()
        .filter(|line| {
            line.contains("Index Scan")
                || line.contains("Index Only Scan")
                || line.contains("Bitmap Index Scan")
        })
        .collect();
    assert!(!scans.is_empty(), "{lookup}\n{plan}");
    for scan in scans {
        let (_, named) = scan
            .split_once(" using ")
            .or_else(|| scan.split_once(" on "))
            .unwrap();
        let name = named.split_whitespace().next().unwrap();
        assert!(
            name == index || is_copy(name.trim_matches('"'), index),
            "{lookup}: expected {index}\n{plan}"
        );
    }
    // No condition is left to be checked row by row.
    assert!(
        !plan.contains("Filter:") && plan.contains("Index Cond:") == lookup.contains("WHERE"),
        "{lookup}\n{plan}"
    );
}

/// Whether this is the name of an index on a chunk: `_hyper_1_2_chunk_<index>`, cut to 63 bytes, or `2_3_<constraint>`.
fn is_copy(name: &str, index: &str) -> bool {
    if let Some((_, copied)) = name.split_once("_chunk_") {
        return name.starts_with("_hyper_") && index.starts_with(copied);
    }
    name.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_') == index
        && name.starts_with(|c: char| c.is_ascii_digit())
}

#[test]
fn the_lookups_of_the_social_indexer_use_an_index() {
    let lab = Lab::migrated();
    let session = Session::new(&lab, K);
    // A day of posts, in four chunks.
    for row in OF_K {
        assert_eq!(session.execute(&insert(row, 4000, 21_500)), 4000);
    }
    session.batch(
        "INSERT INTO k_user_profiles (address, username) SELECT 'kaspa:q' || n, 'User' || n FROM generate_series(1, 2000) n; \
         ANALYZE k_posts, k_votes, k_follows, k_transactions, k_user_profiles",
    );
    for (lookup, index) in [
        (
            "SELECT * FROM k_posts WHERE transaction_id = sha256('p500')",
            "k_posts_pkey",
        ),
        (
            "SELECT * FROM k_posts ORDER BY time DESC, id DESC LIMIT 20",
            "k_posts_time_id_idx",
        ),
        (
            "SELECT * FROM k_posts WHERE author_address = 'kaspa:q42' ORDER BY time DESC LIMIT 20",
            "k_posts_author_address_time_idx",
        ),
        (
            "SELECT * FROM k_posts WHERE reply_to = sha256('p50') ORDER BY time DESC",
            "k_posts_reply_to_time_idx",
        ),
        (
            "SELECT * FROM k_votes WHERE transaction_id = sha256('v500')",
            "k_votes_pkey",
        ),
        (
            "SELECT * FROM k_votes WHERE post_id = sha256('p500')",
            "k_votes_post_id_voter_time_idx",
        ),
        (
            "SELECT vote_type FROM k_votes WHERE post_id = sha256('p500') AND voter_address = 'kaspa:q42' ORDER BY time DESC LIMIT 1",
            "k_votes_post_id_voter_time_idx",
        ),
        (
            "SELECT * FROM k_votes WHERE voter_address = 'kaspa:q42' ORDER BY time DESC LIMIT 20",
            "k_votes_voter_address_time_idx",
        ),
        (
            "SELECT * FROM k_follows WHERE transaction_id = sha256('f500')",
            "k_follows_pkey",
        ),
        (
            "SELECT DISTINCT ON (follower_address) follower_address, is_active FROM k_follows WHERE following_address = 'kaspa:q42' \
             ORDER BY follower_address, time DESC",
            "k_follows_following_follower_time_idx",
        ),
        (
            "SELECT DISTINCT ON (following_address) following_address, is_active FROM k_follows WHERE follower_address = 'kaspa:q42' \
             ORDER BY following_address, time DESC",
            "k_follows_follower_following_time_idx",
        ),
        (
            "SELECT * FROM k_transactions WHERE transaction_id = sha256('p500')",
            "k_transactions_pkey",
        ),
        (
            "SELECT * FROM k_transactions ORDER BY time DESC, id DESC LIMIT 20",
            "k_transactions_time_id_idx",
        ),
        (
            "SELECT * FROM k_transactions WHERE sender_address = 'kaspa:q42' ORDER BY time DESC LIMIT 20",
            "k_transactions_sender_address_time_idx",
        ),
        (
            "SELECT * FROM k_transactions WHERE block_hash = sha256('b500')",
            "k_transactions_block_hash_idx",
        ),
        (
            "SELECT * FROM k_user_profiles WHERE address = 'kaspa:q42'",
            "k_user_profiles_pkey",
        ),
        (
            "SELECT * FROM k_user_profiles WHERE lower(username) = lower('USER42')",
            "k_user_profiles_lower_username_idx",
        ),
    ] {
        uses(&session, lookup, index);
    }
}

#[test]
fn the_lookups_of_the_block_indexer_use_an_index() {
    let lab = Lab::migrated();
    let session = Session::new(&lab, S);
    // An hour and more of blocks, in three chunks; of what they carry, in five.
    for row in OF_S {
        assert_eq!(session.execute(&insert(row, 4000, 1100)), 4000);
    }
    session.batch(
        "INSERT INTO addresses (address, balance, first_seen_at, last_seen_at) SELECT 'kaspa:q' || n, n, now(), now() \
         FROM generate_series(1, 2000) n; \
         ANALYZE blocks, transactions, transactions_acceptances, transaction_inputs, transaction_outputs, addresses",
    );
    for (lookup, index) in [
        (
            "SELECT * FROM blocks WHERE hash = sha256('b500')",
            "blocks_pkey",
        ),
        (
            "SELECT * FROM blocks ORDER BY time DESC LIMIT 20",
            "blocks_time_idx",
        ),
        (
            "SELECT * FROM blocks WHERE blue_score >= 3990",
            "blocks_blue_score_idx",
        ),
        (
            "SELECT * FROM blocks WHERE parents @> ARRAY[sha256('b500')]",
            "blocks_parents_idx",
        ),
        (
            "SELECT * FROM transactions WHERE transaction_id = sha256('t500')",
            "transactions_pkey",
        ),
        (
            "SELECT * FROM transactions ORDER BY time DESC LIMIT 20",
            "transactions_time_idx",
        ),
        (
            "SELECT * FROM transactions WHERE block_hash = sha256('b500')",
            "transactions_block_hash_idx",
        ),
        (
            "SELECT block_hash FROM transactions_acceptances WHERE transaction_id = sha256('t500')",
            "transactions_acceptances_pkey",
        ),
        (
            "SELECT transaction_id FROM transactions_acceptances WHERE block_hash = sha256('b500')",
            "transactions_acceptances_block_hash_idx",
        ),
        (
            "SELECT * FROM transaction_inputs WHERE transaction_id = sha256('t500') ORDER BY input_index",
            "transaction_inputs_pkey",
        ),
        (
            "SELECT * FROM transaction_inputs WHERE previous_outpoint_hash = sha256('t500') AND previous_outpoint_index = 0",
            "transaction_inputs_previous_outpoint_idx",
        ),
        (
            "SELECT * FROM transaction_inputs WHERE address = 'kaspa:q42' ORDER BY time DESC LIMIT 20",
            "transaction_inputs_address_time_idx",
        ),
        (
            "SELECT * FROM transaction_outputs WHERE transaction_id = sha256('t500') AND output_index = 0",
            "transaction_outputs_pkey",
        ),
        (
            "SELECT * FROM transaction_outputs WHERE address = 'kaspa:q42' ORDER BY time DESC LIMIT 20",
            "transaction_outputs_address_time_idx",
        ),
        (
            "UPDATE transaction_outputs SET is_spent = true WHERE transaction_id = sha256('t500') AND output_index = 0",
            "transaction_outputs_pkey",
        ),
        (
            "SELECT * FROM addresses WHERE address = 'kaspa:q42'",
            "addresses_pkey",
        ),
    ] {
        uses(&session, lookup, index);
    }
}

fn seeds_are_there(lab: &Lab) {
    let five = [
        "indexer_mode=full",
        "last_processed_block=0",
        "network=mainnet",
        "sync_status=starting",
        "version=1.0.0",
    ];
    let three = [five[1], five[2], five[4]];
    for (service, table, expected) in [
        (K, "k_vars", five.as_slice()),
        (K, "vars", &five),
        (S, "vars", &three),
    ] {
        let session = Session::new(lab, service);
        let rows = format!("SELECT key || '=' || value FROM {table} ORDER BY key");
        assert_eq!(session.column(&rows), expected);
    }
}

#[test]
fn the_first_variables_are_there() {
    seeds_are_there(&Lab::migrated());
}

#[test]
fn what_cannot_be_true_is_refused() {
    let lab = Lab::migrated();
    for (service, wrong) in [
        (
            K,
            [
                // A hash of 31 bytes, a kind of vote that there is not, the indexer's own clock for the chain's.
                (
                    POST,
                    "pg_temp.h('p', n)",
                    "substr(pg_temp.h('p', n), 2)",
                    "k_posts_transaction_id_check",
                ),
                (VOTE, "n % 3 - 1", "2", "k_votes_vote_type_check"),
                (
                    FOLLOW,
                    "SELECT pg_temp.at(ms)",
                    "SELECT now()",
                    "k_follows_time_check",
                ),
                (
                    K_TRANSACTION,
                    "'post'",
                    "'Post!'",
                    "k_transactions_transaction_type_check",
                ),
            ],
        ),
        (
            S,
            [
                (
                    BLOCK,
                    "SELECT pg_temp.h('b', n)",
                    "SELECT substr(pg_temp.h('b', n), 2)",
                    "blocks_hash_check",
                ),
                (BLOCK, "pg_temp.at(ms)", "now()", "blocks_time_check"),
                (OUTPUT, "45000", "-1", "transaction_outputs_value_check"),
                (
                    INPUT,
                    "18446744073709551615",
                    "18446744073709551616",
                    "transaction_inputs_sequence_check",
                ),
            ],
        ),
    ] {
        let session = Session::new(&lab, service);
        for ((table, row), right, wrong, constraint) in wrong {
            assert!(row.contains(right), "{row}");
            let statement = insert((table, &row.replacen(right, wrong, 1)), 1, 1);
            let refused = session.refused_by(&statement);
            assert!(refused.ends_with(constraint), "{statement}: {refused}");
            assert_eq!(
                session.execute(&insert((table, row), 1, 1)),
                u64::from(table != "blocks" || constraint == "blocks_hash_check")
            );
        }
    }
    let session = Session::new(&lab, R);
    session.batch("INSERT INTO ln_user_wallets VALUES ('alice', 'sealed', 'm/84', 'node-alice')");
    for (statement, constraint) in [
        (
            "INSERT INTO ln_user_balances (user_id, balance) VALUES ('alice', -1)",
            "ln_user_balances_balance_check",
        ),
        (
            "INSERT INTO ln_user_balances (user_id, balance) VALUES ('nobody', 1)",
            "ln_user_balances_user_id_fkey",
        ),
        (
            "INSERT INTO virtual_payments VALUES (substr(pg_temp.h('x', 1), 2), 'node-alice', 'alice', true)",
            "virtual_payments_payment_hash_check",
        ),
        (
            "INSERT INTO virtual_transactions (transaction_id, from_virtual_node_id, to_virtual_node_id, from_user_id, to_user_id, \
             amount_sats) VALUES ('x', 'node-alice', 'node-alice', 'alice', 'alice', -1)",
            "virtual_transactions_amount_sats_check",
        ),
        (
            "INSERT INTO ln_user_wallets VALUES ('bob', 'sealed', 'm/84', 'node-alice')",
            "ln_user_wallets_virtual_node_id_key",
        ),
        (
            "DELETE FROM ln_user_wallets",
            "ln_user_balances_user_id_fkey",
        ),
    ] {
        if statement.starts_with("DELETE") {
            session.batch("INSERT INTO ln_user_balances (user_id, balance) VALUES ('alice', 1)");
        }
        assert_eq!(session.refused_by(statement), constraint, "{statement}");
    }
}

#[test]
fn a_user_has_one_balance_for_each_asset_bitcoin_included() {
    let lab = Lab::migrated();
    let session = Session::new(&lab, R);
    session.batch("INSERT INTO ln_user_wallets VALUES ('alice', 'sealed', 'm/84', 'node-alice')");
    for asset in ["NULL", "'rgb:one'"] {
        let insert = format!(
            "INSERT INTO ln_user_balances (user_id, asset_id, balance) VALUES ('alice', {asset}, 5)"
        );
        assert_eq!(session.execute(&insert), 1);
        assert_eq!(session.refused_by(&insert), "ln_user_balances_pkey");
        assert_eq!(
            session.execute(&format!("{insert} ON CONFLICT DO NOTHING")),
            0
        );
        let update = format!(
            "{insert} ON CONFLICT (user_id, asset_key) DO UPDATE SET balance = ln_user_balances.balance + EXCLUDED.balance"
        );
        assert_eq!(session.execute(&update), 1);
    }
    // An empty name would be bitcoin under another name.
    assert_eq!(
        session.refused_by(
            "INSERT INTO ln_user_balances (user_id, asset_id, balance) VALUES ('alice', '', 5)"
        ),
        "ln_user_balances_asset_id_check"
    );
    assert_eq!(
        session.column("SELECT coalesce(asset_id, 'bitcoin') || ' ' || balance FROM ln_user_balances ORDER BY asset_key"),
        ["bitcoin 10", "rgb:one 10"]
    );
}
