//! Inputs that are too deep, too long or too many. Each is the size that a mistake or malice makes, not one that anybody needs.

/// How large a giant is.
#[derive(Clone, Copy)]
pub struct Size {
    /// How often a piece is repeated.
    deep: usize,
    /// The same for SQL: what the parser still reads, and what is read from the tokens alone.
    sql: [usize; 2],
    /// The length of a line, in bytes.
    long: usize,
    /// How many entries of a kind there are, in percent.
    many: usize,
}

impl Size {
    /// For every run of the tests, which are not optimised.
    pub const SMALL: Self = Self {
        deep: 10_000,
        sql: [1_500, 20_000],
        long: 1 << 19,
        many: 20,
    };
    /// For `scripts/fuzz.sh`.
    pub const FULL: Self = Self {
        deep: 100_000,
        sql: [4_500, 20_000],
        long: 10 << 20,
        many: 100,
    };

    /// `before`, then `piece` many times.
    fn deep(self, before: &str, piece: &str) -> Vec<u8> {
        format!("{before}{}", piece.repeat(self.deep)).into_bytes()
    }

    /// One line of megabytes.
    fn long(self, before: &str, piece: &str, after: &str) -> Vec<u8> {
        format!("{before}{}{after}", piece.repeat(self.long / piece.len())).into_bytes()
    }

    /// `line` with each number from 1 to `count` in the place of `#`.
    fn many(self, before: &str, count: usize, line: &str) -> Vec<u8> {
        let lines: String = (1..=count * self.many / 100)
            .map(|number| line.replace('#', &number.to_string()))
            .collect();
        format!("{before}{lines}").into_bytes()
    }
}

pub fn toml(size: Size) -> Vec<Vec<u8>> {
    let service = "[services.s#]\nstore = \"postgres\"\ndatabase = \"d#\"\nrole = \"r#\"\nhost = \"localhost\"\nport = #\n";
    vec![
        size.deep("a = ", "["),
        size.deep("a = ", "{a="),
        size.deep("", "a."),
        size.deep("[", "a."),
        size.deep("[[", "a.a]]\n[["),
        size.deep("", "[services.x]\n"),
        size.long("#", "x", ""),
        size.long("version = \"", "x", "\""),
        size.long("", "x", " = 1"),
        size.long("a = [", "1,", "]"),
        size.long("", "\n", ""),
        size.many("version = 1\n", 1000, service),
        size.many("version = 1\n", 2000, "[[allow]]\nrule = \"x#\"\n"),
    ]
}

pub fn yaml(size: Size) -> Vec<Vec<u8>> {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let one = format!("*a{}, ", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", one.repeat(9)));
    }
    let merges: String = (1..200)
        .map(|level| format!("m{level}: &m{level} {{<<: *m{}, k{level}: v}}\n", level - 1))
        .collect();
    let steps: String = (0..3000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    let container = "  c#: {image: \"postgres:17\", container_name: c#, ports: [\"#:5432\"], environment: {POSTGRES_DB: ksocial}, volumes: [\"v#:/var/lib/postgresql/data\"]}\n";
    vec![
        laughs.into_bytes(),
        format!("m0: &m0 {{k: v}}\n{merges}").into_bytes(),
        steps.into_bytes(),
        b"a: &a [*a]".to_vec(),
        size.deep("a: ", "["),
        size.deep("", "{a: "),
        size.deep("", "- "),
        size.deep("", "? "),
        size.deep("a: ", "&a "),
        size.deep("a: ", "!t "),
        size.deep("a: \"", "${A:-"),
        size.deep("a: \"", "$"),
        size.deep("services: {a: {image: \"", "${A"),
        size.deep("", "--- \n"),
        size.deep("a: |\n", " x\n"),
        size.long("a: ", "x", ""),
        size.long("#", "x", ""),
        // Just below the bound on a file's size.
        format!("a: {}", "x".repeat(4_000_000)).into_bytes(),
        format!("a: [{}]", "x,".repeat(1_900_000)).into_bytes(),
        format!("a: \"{}\"", "$$".repeat(1_900_000)).into_bytes(),
        size.many("services:\n", 300, container),
        size.many("services:\n", 200, "  c#: {extends: c1}\n"),
        size.many("include:\n", 300, "  - other.yaml\n"),
    ]
}

pub fn sql(size: Size) -> Vec<Vec<u8>> {
    let mut giants: Vec<Vec<u8>> = [
        ("SELECT ", "("),
        ("SELECT ", "[["),
        ("SELECT ", "1+"),
        ("SELECT ", "-"),
        ("SELECT ", "NOT "),
        ("SELECT ", "CASE WHEN "),
        ("SELECT ", "ARRAY["),
        ("SELECT ", "a."),
        ("SELECT '", "''"),
        ("SELECT 1", "::int"),
        ("SELECT 'a'", "||'a'"),
        ("SELECT * FROM ", "(SELECT * FROM "),
        ("SELECT 1 ", "UNION SELECT 1 "),
        ("SELECT * FROM a ", "JOIN a ON true "),
        ("WITH ", "a AS (WITH "),
        ("", "/*"),
        ("", "$$"),
        ("", "$a$ $b$ "),
        ("", ";"),
        ("", "BEGIN;"),
        ("", "'"),
        ("", "\""),
        ("", "--"),
        ("", "\\"),
        ("", "SELECT 1;\n"),
        ("", "DROP TABLE two;\n"),
        ("DO $$ BEGIN ", "BEGIN "),
        ("DO $$ BEGIN ", "IF true THEN "),
        ("DO $$ BEGIN ", "EXECUTE 'DROP TABLE two'; "),
        ("DO $$ BEGIN EXECUTE ", "'a' || "),
        ("CREATE TABLE a (x int", ", x int"),
        ("CREATE TABLE a (x int DEFAULT ", "("),
        ("CREATE FUNCTION f() RETURNS int AS $$ SELECT ", "("),
    ]
    .into_iter()
    .flat_map(|(before, piece)| {
        // What the parser still reads, and what is too large for it.
        size.sql
            .map(|times| format!("---- V1__a.sql\n{before}{}", piece.repeat(times)).into_bytes())
    })
    .collect();
    giants.extend([
        size.deep("---- V1__a.sql\nSELECT ", "("),
        size.long("---- V1__a.sql\n--", "x", ""),
        size.long("---- V1__a.sql\nSELECT '", "x", "';"),
        size.long("---- V1__a.sql\nSELECT ", "x", ";"),
        size.long("---- V1__a.sql\nSELECT ", "1,", "1;"),
        size.many("", 2000, "---- V#__a.sql\nSELECT 1;\n"),
        size.many("", 2000, "---- V1__a#.sql\nSELECT 1;\n"),
        size.many("---- V1__a.sql\n", 3000, "CREATE TABLE a# (x int);\n"),
        b"---- V99999999999999999999__a.sql\nSELECT 1;".to_vec(),
        format!("---- V1__{}.sql\nSELECT 1;", "a".repeat(240)).into_bytes(),
    ]);
    giants
}

pub fn json(size: Size) -> Vec<Vec<u8>> {
    let finding = "{\"rule\":\"a/#\",\"severity\":\"info\",\"service\":null,\"object\":{\"kind\":\"k\",\"name\":\"#\"},\"message\":\"m\"},";
    vec![
        size.deep("", "["),
        size.deep("", "{\"a\":"),
        size.deep("{\"version\":1,\"findings\":", "["),
        size.long("\"", "x", "\""),
        size.long("", " ", ""),
        size.long("[", "1,", "1]"),
        size.long("", "9", ""),
        size.many(
            "{\"version\":1,\"tool\":{\"name\":\"dbctl\"},\"not_checked\":[],\"findings\":[",
            20_000,
            finding,
        ),
    ]
}

/// Files of lines: environments, password files, scripts, settings.
pub fn lines(size: Size) -> Vec<Vec<u8>> {
    vec![
        size.deep("A=", "${A:-"),
        size.deep("A=\"", "$(("),
        size.deep("", "<<E\n"),
        size.deep("", "A=\"\n"),
        size.deep("", "'"),
        size.deep("", "if true; then "),
        size.deep("postgres://u@", "h,"),
        size.deep("host=", "h,"),
        size.deep("", "\\"),
        size.deep("", "*:"),
        size.long("A=", "x", ""),
        size.long("", "$A", ""),
        size.long("", "a:", ""),
        size.long("#", "x", ""),
        size.many("", 20_000, "A#=${A}\n"),
        size.many("", 20_000, "h#:5432:d:u:p\n"),
        size.many("", 2_000, "psql -h h# -d d# -c 'DROP TABLE a#'\n"),
        size.many("", 2_000, "A#=postgres://u#:p@h#/d#\n"),
    ]
}

pub fn url(size: Size) -> Vec<Vec<u8>> {
    vec![
        size.deep("postgres://u@", "h,"),
        size.deep("postgres://", "u:"),
        size.deep("postgres://u@h/d?", "a=b&"),
        size.deep("postgres://u@", "["),
        size.long("postgres://u:", "%41", "@h/d"),
        size.long("postgres://u@h/", "d", ""),
    ]
}
