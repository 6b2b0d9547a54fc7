//! `check` on functions that run with their owner's rights: what the whole set leaves counts, and every overload for itself.

use crate::check_sets::Repository;
use crate::lab::K;
use crate::side_by_side::each;

/// What a file holds after its head, `V90__case.sql` and so on, and the lines at which the rule speaks: file, line.
type Case = (&'static [&'static str], &'static [(usize, u64)]);

const SAFE: &str = "SET search_path = pg_catalog, pg_temp";

/// `D` stands for a function's options, `S` for a safe search path.
const CASES: &[Case] = &[
    // Every overload for itself, under all names of a type.
    (
        &[
            "CREATE FUNCTION k_f(a int) D;\nCREATE FUNCTION k_f(a text) D;\nALTER FUNCTION k_f(text) S;",
        ],
        &[(0, 1)],
    ),
    (
        &["CREATE FUNCTION k_f(a int, OUT b text) D;\nALTER FUNCTION k_f(integer) S;"],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_f(varchar(10), timestamp with time zone, float, decimal(3, 1)[], char, VARIADIC bool[]) D;\nALTER FUNCTION k_f(a character varying, b timestamptz, pg_catalog.float8, numeric array, character(3), boolean[]) S;",
        ],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_f(float(24), time, bit varying(3), public.k_type) D;\nALTER FUNCTION k_f(real, time without time zone, varbit, k_type) S;",
        ],
        &[],
    ),
    (
        &["CREATE FUNCTION k_f(\"char\") D;\nALTER FUNCTION k_f(char) S;"],
        &[(0, 1)],
    ),
    (
        &["CREATE FUNCTION k_f(int[]) D;\nALTER FUNCTION k_f(int) S;"],
        &[(0, 1)],
    ),
    (
        &["CREATE FUNCTION k_f(k_posts.id%TYPE) D;\nALTER FUNCTION k_f(bigint) S;"],
        &[(0, 1)],
    ),
    (
        &["CREATE FUNCTION k_f(k_a.k_type) D;\nALTER FUNCTION k_f(k_type) S;"],
        &[(0, 1)],
    ),
    // Without arguments it is the only one of its name, or none.
    (
        &["CREATE FUNCTION k_f(a int) D;\nALTER FUNCTION k_f S;"],
        &[],
    ),
    (
        &["CREATE FUNCTION k_f(a int) D;\nCREATE FUNCTION k_f(a text) D;\nALTER FUNCTION k_f S;"],
        &[(0, 1), (0, 2)],
    ),
    // A procedure may be told by all of its arguments.
    (
        &["CREATE PROCEDURE k_p(a int, OUT b int) D;\nALTER PROCEDURE k_p(int, int) S;"],
        &[],
    ),
    (
        &["CREATE PROCEDURE k_p(a int) D;\nALTER ROUTINE k_p(integer) S;"],
        &[],
    ),
    // Schemas.
    (
        &["CREATE FUNCTION k_f() D;\nALTER FUNCTION public.k_f() S;"],
        &[],
    ),
    (
        &["CREATE FUNCTION k_f() D;\nALTER FUNCTION k_a.k_f() S;"],
        &[(0, 1)],
    ),
    (
        &[
            "CREATE FUNCTION k_a.k_f() D;\nCREATE FUNCTION k_b.k_f() D S;\nALTER FUNCTION k_b.k_f() S;",
        ],
        &[(0, 1)],
    ),
    (
        &[
            "SET LOCAL search_path = k_a;\nCREATE FUNCTION k_f() D;\nALTER FUNCTION public.k_f() S;",
            "ALTER FUNCTION k_f() S;",
        ],
        &[(0, 2)],
    ),
    (
        &[
            "SET LOCAL search_path = k_a;\nCREATE FUNCTION k_f() D;",
            "ALTER FUNCTION k_a.k_f() S;",
        ],
        &[],
    ),
    // What comes later mends it: in the same file, and in another.
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "CREATE OR REPLACE FUNCTION k_f() D S;",
        ],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "CREATE OR REPLACE FUNCTION k_f() I;",
        ],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "ALTER FUNCTION k_f() SECURITY INVOKER;",
        ],
        &[],
    ),
    (
        &["CREATE FUNCTION k_f() D;", "ALTER FUNCTION k_f() S;"],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "DROP FUNCTION IF EXISTS k_g, k_f();",
        ],
        &[],
    ),
    (
        &["CREATE FUNCTION k_a.k_f() D;", "DROP SCHEMA k_a CASCADE;"],
        &[],
    ),
    (
        &["CREATE FUNCTION k_a.k_f() D;", "DROP SCHEMA k_b CASCADE;"],
        &[(0, 1)],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "ALTER FUNCTION k_f() RENAME TO k_g;\nALTER FUNCTION k_g() S;",
        ],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "ALTER FUNCTION k_f() RENAME TO k_g;\nALTER FUNCTION k_f() S;",
        ],
        &[(0, 1)],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "ALTER FUNCTION k_f() SET SCHEMA k_a;\nALTER FUNCTION k_a.k_f() S;",
        ],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_a.k_f() D;",
            "ALTER SCHEMA k_a RENAME TO k_b;\nALTER FUNCTION k_b.k_f() S;",
        ],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "DO $$ BEGIN EXECUTE 'ALTER FUNCTION k_f() S'; END $$;",
        ],
        &[],
    ),
    // What may not happen mends nothing.
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "DO $$ BEGIN IF now() < 'infinity' THEN EXECUTE 'ALTER FUNCTION k_f() S'; END IF; END $$;",
        ],
        &[(0, 1)],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "DO $$ BEGIN NULL; EXCEPTION WHEN others THEN ALTER FUNCTION k_f() S; END $$;",
        ],
        &[(0, 1)],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D;",
            "CREATE FUNCTION k_g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER FUNCTION k_f() S; END $$;",
        ],
        &[(0, 1)],
    ),
    // The line that makes it so.
    (
        &[
            "CREATE FUNCTION k_f() D S;",
            "SELECT 1;\nALTER FUNCTION k_f() RESET search_path;",
        ],
        &[(1, 2)],
    ),
    (
        &[
            "CREATE FUNCTION k_f() I;",
            "SELECT 1;\nALTER FUNCTION k_f() SECURITY DEFINER;",
        ],
        &[(1, 2)],
    ),
    (
        &[
            "CREATE FUNCTION k_f() D S;",
            "SELECT 1;\nCREATE OR REPLACE FUNCTION k_f() D;",
        ],
        &[(1, 2)],
    ),
    (&["ALTER FUNCTION k_f() SECURITY DEFINER;"], &[(0, 1)]),
    (
        &["ALTER FUNCTION k_f() S;\nALTER FUNCTION k_f() SECURITY DEFINER;"],
        &[],
    ),
    (
        &[
            "CREATE FUNCTION k_f(a int) D S;\nCREATE FUNCTION k_f(a text) D S;",
            "ALTER FUNCTION k_f(text) RESET ALL;",
        ],
        &[(1, 1)],
    ),
    (
        &[
            "CREATE FUNCTION k_g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\nEXECUTE $f$CREATE FUNCTION k_f() D$f$; END $$;",
        ],
        &[(0, 2)],
    ),
    (
        &[
            "CREATE FUNCTION k_g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\nEXECUTE $f$CREATE FUNCTION k_f() D$f$;\nEXECUTE 'ALTER FUNCTION k_f() S'; END $$;",
        ],
        &[],
    ),
];

fn written(case: &str) -> String {
    let options = "AS 'SELECT 1' LANGUAGE sql";
    case.replace(") D", &format!(") {options} SECURITY DEFINER"))
        .replace(") I", &format!(") {options}"))
        .replace(" S;", &format!(" {SAFE};"))
        .replace(" S'", &format!(" {SAFE}'"))
}

#[test]
fn owners_rights_are_judged_as_the_whole_set_leaves_them() {
    each(CASES, |(files, expected)| {
        let repository = Repository::new();
        for (index, file) in files.iter().enumerate() {
            repository.write(K, &format!("V9{index}__case.sql"), &written(file));
        }
        let found: Vec<(usize, u64)> = repository
            .found()
            .iter()
            .filter(|found| found.rule == "sets/security-definer")
            .map(|found| {
                let index = (0..files.len())
                    .find(|index| found.file.ends_with(&format!("V9{index}__case.sql")));
                (index.unwrap_or(usize::MAX), found.line)
            })
            .collect();
        assert_eq!(&found, expected, "{files:#?}");
    });
}

/// A down script is judged by what it leaves, and what it does not touch is not told again.
#[test]
fn a_down_script_is_judged_by_itself() {
    let create = written("CREATE FUNCTION k_f() D;");
    let safe = written("ALTER FUNCTION k_f() S;");
    for (down, lines) in [
        ("ALTER FUNCTION k_f() RESET search_path;", vec![1]),
        (
            "ALTER FUNCTION k_f() RESET search_path;\nDROP FUNCTION k_f();",
            vec![],
        ),
        ("SELECT 1;", vec![]),
    ] {
        let repository = Repository::new();
        repository.write(K, "V90__case.sql", &create);
        repository.write(K, "V91__safe.sql", &safe);
        repository.write(K, "V91__safe.down.sql", down);
        let found = repository.found();
        let told: Vec<u64> = found
            .iter()
            .filter(|found| found.rule == "sets/security-definer")
            .map(|found| {
                assert!(found.file.ends_with("V91__safe.down.sql"), "{found:?}");
                found.line
            })
            .collect();
        assert_eq!(told, lines, "{down}: {found:#?}");
    }
}
