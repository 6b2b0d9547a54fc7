//! `lock`: what is checked in is what the sets produce, and a lock that is not says so.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::lab::{Run, binaries, dbctl, finish};
use crate::shop::{join, send};

const SETS: [&str; 3] = ["k_social", "rgb_users", "simply_kaspa"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations")
}

/// The folder of this major version's programs.
fn bin(major: u32, timescaledb: bool) -> Option<String> {
    let binaries = binaries(major, timescaledb)?;
    Some(binaries.bin.to_str().unwrap().to_owned())
}

/// A folder with a manifest of one PostgreSQL service `shop` and its set.
struct Shop {
    dir: tempfile::TempDir,
    bin: String,
}

impl Shop {
    fn new(files: &[(&str, &str)]) -> Self {
        let shop = Self {
            dir: tempfile::tempdir().unwrap(),
            bin: bin(17, false).expect("PostgreSQL 17: run ./test.sh"),
        };
        std::fs::create_dir_all(shop.set("")).unwrap();
        shop.manifest(&["shop"]);
        for (name, sql) in files {
            std::fs::write(shop.set(name), sql).unwrap();
        }
        shop
    }

    /// Services that all have this set's parent folder, and all the same database name on servers of their own.
    fn manifest(&self, services: &[&str]) {
        let mut text = "version = 1\nsets = \"sets\"\n".to_owned();
        for service in services {
            text.push_str(&format!(
                "[services.{service}]\nstore = \"postgres\"\nset = \"{service}\"\ndatabase = \"app\"\nrole = \"app\"\n\
                 host = \"{service}.example\"\npassword = \"x\"\n"
            ));
        }
        std::fs::write(self.dir.path().join("dbctl.toml"), text).unwrap();
    }

    fn set(&self, file: &str) -> PathBuf {
        self.dir.path().join("sets/shop").join(file)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = dbctl(self.dir.path());
        command.args([&["lock"], args].concat());
        command.env("DBCTL_POSTGRES_BIN", &self.bin);
        // Every server of this test keeps its data here, so that what is left over can be seen.
        std::fs::create_dir_all(self.scratch()).unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(self.dir.path(), open.clone()).unwrap();
        std::fs::set_permissions(self.scratch(), std::fs::Permissions::from_mode(0o1777)).unwrap();
        command.env("TMPDIR", self.scratch());
        command
    }

    fn lock(&self, args: &[&str]) -> Run {
        let run = finish(self.command(args));
        self.nothing_is_left();
        run
    }

    fn scratch(&self) -> PathBuf {
        self.dir.path().join("scratch")
    }

    #[track_caller]
    fn nothing_is_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.scratch())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(self.servers(), Vec::<String>::new());
    }

    /// Whether a server of this test runs a migration that sleeps, by the title that the server gives its processes.
    fn is_asleep(&self) -> bool {
        let Some(server) = std::fs::read_dir(self.scratch())
            .unwrap()
            .find_map(|entry| {
                std::fs::read_to_string(entry.unwrap().path().join("data/postmaster.pid")).ok()
            })
        else {
            return false;
        };
        // The file is there before its first line is.
        let Some(pid) = server.lines().next() else {
            return false;
        };
        let parent = format!(" {pid} ");
        std::fs::read_dir("/proc").unwrap().any(|entry| {
            let process = entry.unwrap().path();
            let read = |file: &str| std::fs::read(process.join(file)).unwrap_or_default();
            let title = String::from_utf8_lossy(&read("cmdline")).into_owned();
            // The parent is the second field after the name in brackets.
            let stat = String::from_utf8_lossy(&read("stat")).into_owned();
            let is_child = stat.rsplit_once(')').is_some_and(|(_, rest)| {
                rest.get(2..).is_some_and(|rest| rest.starts_with(&parent))
            });
            is_child && title.contains(" app app ") && title.contains("SELECT")
        })
    }

    /// The servers that run on data below this test's folder.
    fn servers(&self) -> Vec<String> {
        let scratch = self.scratch();
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| std::fs::read(entry.unwrap().path().join("cmdline")).ok())
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .filter(|line| line.contains("postgres ") && line.contains(scratch.to_str().unwrap()))
            .collect()
    }
}

#[test]
fn writing_all_locks_anew_gives_the_checked_in_bytes() {
    let Some(bins) = [(15, false), (17, true), (18, true)]
        .into_iter()
        .map(|(major, timescaledb)| bin(major, timescaledb))
        .collect::<Option<Vec<_>>>()
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    for set in SETS {
        std::fs::create_dir_all(folder.path().join("sets").join(set)).unwrap();
        for entry in std::fs::read_dir(repository().join(set)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sql") {
                let copy = folder
                    .path()
                    .join("sets")
                    .join(set)
                    .join(path.file_name().unwrap());
                std::fs::copy(path, copy).unwrap();
            }
        }
    }
    let mut command = dbctl(folder.path());
    command.args(["lock", "--sets", "sets"]);
    command.args(bins.iter().flat_map(|bin| ["--postgres-bin", bin]));
    finish(command).exits(0).says("written");
    for set in SETS {
        let (new, old) = (
            folder.path().join("sets").join(set).join("schema.lock"),
            repository().join(set).join("schema.lock"),
        );
        assert_eq!(
            std::fs::read_to_string(&new).unwrap(),
            std::fs::read_to_string(old).unwrap(),
            "{set}"
        );
        let mode = std::fs::metadata(new).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644, "{set}");
    }
}

#[test]
fn a_lock_is_missing_then_current_then_stale() {
    let shop = Shop::new(&[("V1__goods.sql", "CREATE TABLE goods (id int PRIMARY KEY);")]);
    shop.lock(&["--check"]).exits(3).says("missing");
    assert!(!shop.set("schema.lock").exists());

    shop.lock(&[]).exits(0).says("written");
    let first = std::fs::read(shop.set("schema.lock")).unwrap();
    shop.lock(&[]).exits(0).says("current");
    assert_eq!(std::fs::read(shop.set("schema.lock")).unwrap(), first);

    std::fs::write(
        shop.set("V2__prices.sql"),
        "CREATE TABLE prices (id int);\nALTER TABLE goods ADD COLUMN name text;",
    )
    .unwrap();
    shop.lock(&["--check"])
        .exits(3)
        .says("stale")
        .says("shop: table prices is not in the lock, column goods.name is not in the lock: run dbctl lock");
    assert_eq!(std::fs::read(shop.set("schema.lock")).unwrap(), first);
    shop.lock(&[]).exits(0).says("written");
    let second = std::fs::read(shop.set("schema.lock")).unwrap();
    // Nothing but the set's own files lies there: what was written was renamed.
    let mut files: Vec<_> = std::fs::read_dir(shop.set(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["V1__goods.sql", "V2__prices.sql", "schema.lock"]);

    // What it replaces is not written into: who reads the old file goes on reading the old file.
    let reader = std::fs::File::open(shop.set("schema.lock")).unwrap();
    std::fs::remove_file(shop.set("V2__prices.sql")).unwrap();
    shop.lock(&[]).exits(0);
    assert_eq!(std::fs::read(shop.set("schema.lock")).unwrap(), first);
    assert_eq!(
        std::io::read_to_string(reader).unwrap().into_bytes(),
        second
    );

    std::fs::write(shop.set("schema.lock"), "version = 99").unwrap();
    shop.lock(&["--check"]).exits(3).says("schema.lock");
}

/// A service may live in its own server as the superuser that initdb made.
#[test]
fn a_service_may_be_the_superuser_of_its_server() {
    let shop = Shop::new(&[(
        "V1__goods.sql",
        "CREATE TABLE goods (id int, by text DEFAULT CURRENT_USER);",
    )]);
    let path = shop.dir.path().join("dbctl.toml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    std::fs::write(
        &path,
        manifest.replace("role = \"app\"", "role = \"postgres\""),
    )
    .unwrap();
    shop.lock(&[]).exits(0).says("written");
    shop.lock(&["--check"]).exits(0).says("current");
}

#[test]
fn each_migration_has_an_entry_that_says_what_it_does() {
    let shop = Shop::new(&[
        (
            "V1__goods.sql",
            "CREATE TABLE goods (id int PRIMARY KEY, old text);",
        ),
        (
            "V3__prices.sql",
            "CREATE TABLE prices (id int);\nALTER TABLE goods ADD COLUMN name text, DROP COLUMN old, ALTER COLUMN id TYPE bigint;",
        ),
    ]);
    shop.lock(&[]).exits(0);
    let lock = std::fs::read_to_string(shop.set("schema.lock")).unwrap();
    let (_, last) = lock.split_once("version = 3\n").unwrap();
    let (last, _) = last.split_once("\n\n").unwrap();
    let (head, lists) = last.split_once("adds").unwrap();
    assert!(
        head.starts_with("file = \"V3__prices.sql\"\nsum = \"sha256:"),
        "{head}"
    );
    assert_eq!(
        format!("adds{lists}"),
        "adds = [\n  \"table public.prices\",\n  \"column public.goods.name\",\n]\n\
         removes = [\n  \"column public.goods.old\",\n]\nchanges = [\n  \"column public.goods.id\",\n]"
    );

    // A file that produces the same catalog is another file all the same.
    std::fs::write(
        shop.set("V1__goods.sql"),
        "CREATE TABLE goods (id int PRIMARY KEY, old text); -- !",
    )
    .unwrap();
    shop.lock(&["--check"])
        .exits(3)
        .says("shop: V1__goods.sql is not as it was in the lock: run dbctl lock");
    shop.lock(&[]).exits(0);

    // As dbctl wrote it before there were entries: it is read, and is to be written again.
    let lock = std::fs::read_to_string(shop.set("schema.lock")).unwrap();
    let (head, entries) = lock.split_once("[[migration]]").unwrap();
    let (_, objects) = entries.split_once("[[object]]").unwrap();
    std::fs::write(
        shop.set("schema.lock"),
        format!("{head}[[object]]{objects}"),
    )
    .unwrap();
    shop.lock(&["--check"])
        .exits(3)
        .says("written by an older dbctl and says nothing of the single versions");
}

#[test]
fn down_scripts_are_proved_before_a_lock_is_written() {
    let shop = Shop::new(&[
        ("V1__goods.sql", "CREATE TABLE goods (id int PRIMARY KEY);"),
        (
            "V2__prices.sql",
            "CREATE TABLE prices (id int); CREATE INDEX goods_idx ON goods (id);",
        ),
        ("V3__names.sql", "ALTER TABLE goods ADD COLUMN name text;"),
    ]);
    let down = |sql: &str| std::fs::write(shop.set("V2__prices.down.sql"), sql).unwrap();

    down("DROP TABLE prices;");
    for args in [[].as_slice(), &["--check"]] {
        shop.lock(args).exits(3).says(
            "on PostgreSQL 17, after V2__prices.down.sql the catalog is not that of version 1: index public.goods.goods_idx is there",
        );
    }
    down("DROP TABLE prices; DROP TABLE goods; CREATE TABLE goods (id bigint);");
    shop.lock(&[])
        .exits(3)
        .says("constraint public.goods.goods_pkey is missing")
        .says("type of column public.goods.id is \"bigint\", expected \"integer\"");
    down("DROP TABLE prices;\nDROP INDEX\n  goods_index;");
    shop.lock(&[])
        .exits(3)
        .says("V2__prices.down.sql, line 2 (DROP INDEX goods_index): index \"goods_index\" does not exist (SQLSTATE 42704)");
    assert!(!shop.set("schema.lock").exists());

    down("DROP TABLE prices; DROP INDEX goods_idx;");
    shop.lock(&["-v"])
        .exits(0)
        .says("written")
        .says("shop: without a down script, so that dbctl rollback cannot go below: V1__goods.sql, V3__names.sql");
    shop.lock(&["--check"]).exits(0);
    down("DROP INDEX goods_idx; DROP TABLE prices;");
    shop.lock(&["--check"])
        .exits(3)
        .says("the down script of V2__prices.sql is not as it was in the lock");
    std::fs::write(shop.set("V4_more.sql"), "SELECT 1;").unwrap();
    shop.lock(&["--check"])
        .exits(3)
        .says("V4_more.sql")
        .says("schema.lock");
}

#[test]
fn what_cannot_be_applied_again_after_its_down_script_is_said() {
    // What a catalog's snapshot does not tell: a row that the first run leaves behind.
    let shop = Shop::new(&[
        ("V1__seen.sql", "CREATE TABLE seen (id int PRIMARY KEY);"),
        (
            "V2__goods.sql",
            "INSERT INTO seen VALUES (1); CREATE TABLE goods (id int);",
        ),
        ("V2__goods.down.sql", "DROP TABLE goods;"),
    ]);
    shop.lock(&[])
        .exits(3)
        .says("V2__goods.sql, line 1 (INSERT INTO seen VALUES (1))")
        .says("duplicate key");
    assert!(!shop.set("schema.lock").exists());
}

#[test]
fn a_set_that_cannot_be_applied_says_why_and_writes_nothing() {
    let shop = Shop::new(&[
        ("V1__goods.sql", "CREATE TABLE goods (id int);"),
        (
            "V2__prices.sql",
            "SELECT 1;\nCREATE TABLE prices (amount numbr);",
        ),
    ]);
    shop.lock(&[])
        .exits(3)
        .says("V2__prices.sql, line 2 (CREATE TABLE prices (amount numbr))")
        .says("type \"numbr\" does not exist (SQLSTATE 42704)");
    assert!(!shop.set("schema.lock").exists());
    // No row of a history can be lost here, and there is nothing to repair.
    std::fs::write(shop.set("V2__prices.sql"), "CREATE TABLE goods (id int);").unwrap();
    let run = shop.lock(&[]).exits(3);
    let run = run.says("V2__prices.sql, line 1 (CREATE TABLE goods (id int))");
    let run = run.says("it is there already: another statement of the set makes it too");
    assert!(!run.all().contains("repair"), "{}", run.all());
    std::fs::write(shop.set("V02__prices.sql"), "SELECT 1;").unwrap();
    shop.lock(&[]).exits(3).says("V2__prices.sql");
}

#[test]
fn sets_of_databases_with_one_name_do_not_meet_and_a_name_of_anothers_is_told() {
    let shop = Shop::new(&[("V1__goods.sql", "CREATE TABLE goods (id int);")]);
    shop.manifest(&["shop", "store"]);
    let store = shop.dir.path().join("sets/store");
    std::fs::create_dir(&store).unwrap();
    std::fs::write(
        store.join("V1__shelves.sql"),
        "CREATE TABLE shelves (id int);",
    )
    .unwrap();
    shop.lock(&[]).exits(0);
    let lock = std::fs::read_to_string(store.join("schema.lock")).unwrap();
    assert!(
        lock.contains("shelves") && !lock.contains("goods"),
        "{lock}"
    );
    // A lock makes what its set makes the service's own: a name of another's is told when it comes in, and once.
    std::fs::write(store.join("V2__goods.sql"), "CREATE TABLE goods (id int);").unwrap();
    let told = "review whether it is to be there";
    shop.lock(&["--check"]).exits(3).says("stale");
    shop.lock(&[])
        .exits(0)
        .says("counts as this service's too once the file is checked in: table goods (shop)")
        .says(told);
    std::fs::write(store.join("V3__more.sql"), "CREATE TABLE more (id int);").unwrap();
    let run = shop.lock(&[]).exits(0).says("written");
    assert!(!run.all().contains(told), "{}", run.all());
}

#[test]
fn without_a_server_it_says_what_to_install() {
    let mut shop = Shop::new(&[("V1__goods.sql", "CREATE TABLE goods (id int);")]);
    let empty = tempfile::tempdir().unwrap();
    shop.bin = empty.path().to_str().unwrap().to_owned();
    let named = shop.bin.clone();
    for args in [[].as_slice(), &["--check"]] {
        shop.lock(args)
            .exits(4)
            .says(&named)
            .says("DBCTL_POSTGRES_BIN")
            .says("apt-get install postgresql-");
    }
    assert!(!shop.set("schema.lock").exists());
}

#[test]
fn an_interrupt_leaves_no_server_and_no_lock() {
    let shop = Shop::new(&[("V1__slow.sql", "SELECT pg_sleep(600);")]);
    // While the server is being made, and while the set is being applied.
    for (signal, applying) in [(Signal::SIGTERM, false), (Signal::SIGINT, true)] {
        let child = shop
            .command(&[])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let is_time = || {
            if applying {
                shop.is_asleep()
            } else {
                std::fs::read_dir(shop.scratch()).unwrap().next().is_some()
            }
        };
        while !is_time() {
            assert!(
                Instant::now() < deadline,
                "waited in vain: {:?}",
                shop.servers()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        send(&child, signal);
        join(child)
            .exits(130)
            .says("interrupted; nothing was written");
        shop.nothing_is_left();
        assert!(!shop.set("schema.lock").exists());
    }
}

#[test]
fn the_checked_in_locks_are_current_on_every_major_and_each_down_script_is_proved() {
    let sets = repository();
    let bins: Vec<String> = [(15, false), (17, true), (18, true)]
        .into_iter()
        .filter_map(|(major, timescaledb)| bin(major, timescaledb))
        .collect();
    let mut args = vec!["lock", "--check", "--format", "json", "--sets"];
    args.push(sets.to_str().unwrap());
    for bin in &bins {
        args.extend(["--postgres-bin", bin]);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut command = dbctl(dir.path());
    command.args(&args);
    let report = finish(command).exits(0).json();
    let sets = report["sets"].as_array().unwrap();
    assert_eq!(sets.len(), 3, "{report}");
    for set in sets {
        assert_eq!(set["state"], "current", "{report}");
        assert_eq!(set["without_down"].as_array().unwrap().len(), 0, "{set}");
        let without = if set["set"] == "rgb_users" { 0 } else { 1 };
        assert_eq!(
            set["majors"].as_array().unwrap().len(),
            bins.len() - without,
            "{set}"
        );
    }
}

#[test]
fn a_lock_that_is_written_again_speaks_for_the_versions_it_spoke_for() {
    let shop = Shop::new(&[("V1__one.sql", "CREATE TABLE one (a int);\n")]);
    let (older, newer) = (bin(15, false).unwrap(), bin(17, false).unwrap());
    shop.lock(&["-q", "--postgres-bin", &older, "--postgres-bin", &newer])
        .exits(0);
    let majors = || {
        let text = std::fs::read_to_string(shop.set("schema.lock")).unwrap();
        let line = text.lines().find(|line| line.starts_with("majors"));
        line.unwrap().to_owned()
    };
    assert_eq!(majors(), "majors = [15, 17]");
    let again = || {
        let mut command = shop.command(&[]);
        let path = std::env::var("PATH").unwrap();
        command.env_remove("DBCTL_POSTGRES_BIN");
        command.env("PATH", format!("{older}:{newer}:{path}"));
        finish(command).exits(0)
    };
    std::fs::write(shop.set("V2__two.sql"), "CREATE TABLE two (a int);\n").unwrap();
    let run = again();
    assert!(!run.all().contains("no longer speaks"), "{}", run.all());
    assert_eq!(majors(), "majors = [15, 17]");
    // Two branches have written it, and nobody has mended what came of it.
    let text = std::fs::read_to_string(shop.set("schema.lock")).unwrap();
    std::fs::write(
        shop.set("schema.lock"),
        format!("<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n"),
    )
    .unwrap();
    again();
    assert_eq!(majors(), "majors = [15, 17]");
}
