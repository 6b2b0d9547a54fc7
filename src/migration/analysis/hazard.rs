//! What readers, writers or data may suffer from a statement: squawk's rules about that, and our own.

use squawk_linter::{Linter, Rule};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::Hazard;
use super::read::Read;
use crate::migration::Statement;
use crate::migration::words::Words;

/// squawk's rules that are about danger to a database in use; the others are about taste, or about what `verify` looks at.
const RULES: [Rule; 24] = [
    Rule::AddingFieldWithDefault,
    Rule::AddingForeignKeyConstraint,
    Rule::AddingNotNullableField,
    Rule::AddingRequiredField,
    Rule::AddingSerialPrimaryKeyField,
    Rule::BanAlterDomainWithAddConstraint,
    Rule::BanConcurrentIndexCreationInTransaction,
    Rule::BanDropColumn,
    Rule::BanDropExtension,
    Rule::BanDropSchema,
    Rule::BanDropTable,
    Rule::BanDropView,
    Rule::BanSetSchema,
    Rule::BanTruncateCascade,
    Rule::ChangingColumnType,
    Rule::ConstraintMissingNotValid,
    Rule::DisallowedUniqueConstraint,
    Rule::RenamingColumn,
    Rule::RenamingObject,
    Rule::RenamingTable,
    Rule::RequireConcurrentIndexCreation,
    Rule::RequireConcurrentIndexDeletion,
    Rule::RequireConcurrentPartitionDetach,
    Rule::RequireConcurrentReindex,
];

/// The statement runs code, or reaches further than its text.
pub(super) fn dynamic() -> Hazard {
    Hazard {
        code: "dynamic".to_owned(),
        message: "what it locks cannot be told from its text".to_owned(),
    }
}

/// No rule has looked at the statement.
pub(super) fn unread() -> Hazard {
    Hazard {
        code: "unread".to_owned(),
        message: "its syntax is not known to dbctl's parser: no rule has looked at it".to_owned(),
    }
}

/// A new column of a serial type takes its values from a sequence, as from any volatile default: squawk looks at defaults that are
/// written out, and at primary keys (PostgreSQL documentation, "Serial Types" and ALTER TABLE).
pub(super) fn serial(statement: &SyntaxNode) -> Option<Hazard> {
    use SyntaxKind as K;
    const SERIAL: [&str; 6] = [
        "serial",
        "serial2",
        "serial4",
        "serial8",
        "smallserial",
        "bigserial",
    ];
    let is_serial = |column: &SyntaxNode| {
        let has = |kind: K| column.descendants().any(|inner| inner.kind() == kind);
        let named = column
            .children()
            .find(|child| child.kind() == K::PATH_TYPE)
            .map(|kind| kind.text().to_string().trim().to_ascii_lowercase());
        !has(K::PRIMARY_KEY_CONSTRAINT)
            && named.is_some_and(|named| {
                let name = named.strip_prefix("pg_catalog.").unwrap_or(&named);
                SERIAL.contains(&name)
            })
    };
    let adds = statement.kind() == K::ALTER_TABLE
        && statement
            .children()
            .any(|action| action.kind() == K::ADD_COLUMN && is_serial(&action));
    adds.then(|| Hazard {
        code: Rule::AddingFieldWithDefault.to_string(),
        message: "A new column of a serial type has a volatile default: the table is rewritten with an `ACCESS EXCLUSIVE` lock."
            .to_owned(),
    })
}

/// What [`rewrite`] is called.
const REWRITE: &str = "rewriting-table";

/// The statement writes a whole table anew while nobody can read it (PostgreSQL documentation, CLUSTER, REPACK, VACUUM, ALTER TABLE,
/// ALTER INDEX and ALTER MATERIALIZED VIEW).
pub(super) fn rewrite(statement: &SyntaxNode) -> Option<Hazard> {
    use SyntaxKind as K;
    let has = |kind: K| {
        let mut inner = statement.descendants_with_tokens();
        inner.any(|element| element.kind() == kind)
    };
    let rewrites = match statement.kind() {
        K::CLUSTER | K::CLUSTER_LEGACY => true,
        // PostgreSQL 19's name of both.
        K::REPACK => !has(K::CONCURRENTLY_KW),
        K::VACUUM => has(K::FULL_KW),
        K::ALTER_TABLE => statement.children().any(|action| {
            matches!(
                action.kind(),
                K::SET_LOGGED
                    | K::SET_UNLOGGED
                    | K::SET_TABLESPACE
                    | K::SET_ACCESS_METHOD
                    | K::ALL_IN_TABLESPACE
            )
        }),
        K::ALTER_INDEX | K::ALTER_MATERIALIZED_VIEW => has(K::SET_TABLESPACE),
        _ => false,
    };
    rewrites.then(|| Hazard {
        code: REWRITE.to_owned(),
        message: "The whole table or index is written anew with an `ACCESS EXCLUSIVE` lock: readers and writers wait until it is done."
            .to_owned(),
    })
}

/// Asks squawk about a file, and adds what it finds to the statements.
pub(super) fn lint(
    sql: &str,
    statements: &[Statement<'_>],
    in_transaction: bool,
    found: &mut [Read],
) {
    let text = readable(sql, statements, found);
    let mut linter = Linter::from(RULES);
    linter.settings.assume_in_transaction = in_transaction;
    let file = SourceFile::parse(&text);
    for violation in linter.lint(&file, &text) {
        let at = usize::from(violation.text_range.start());
        let place = statements.partition_point(|statement| statement.at <= at);
        let Some(read) = place.checked_sub(1).and_then(|index| found.get_mut(index)) else {
            continue;
        };
        let of = statements.get(place.saturating_sub(1));
        let harmless = match violation.code {
            Rule::RequireConcurrentIndexCreation => {
                of.is_some_and(|statement| is_per_chunk(statement.text))
            }
            Rule::AddingFieldWithDefault => {
                let within = file.syntax_node().covering_element(violation.text_range);
                within.ancestors().any(|above| is_virtual(&above))
            }
            _ => false,
        };
        if harmless {
            continue;
        }
        let hazard = Hazard {
            code: violation.code.to_string(),
            message: violation.message,
        };
        if !read.own && !read.hazards.contains(&hazard) {
            read.hazards.push(hazard);
        }
    }
}

/// Whether an index is made chunk by chunk, each in a transaction of its own (TimescaleDB documentation, "CREATE INDEX").
fn is_per_chunk(statement: &str) -> bool {
    let words = Words::new(statement);
    words.has(&["timescaledb", ".", "transaction_per_chunk"])
        && words.option("transaction_per_chunk") == Some(true)
}

/// Whether a column is computed when it is read, so that no row is rewritten (PostgreSQL documentation, "Generated Columns").
fn is_virtual(constraint: &SyntaxNode) -> bool {
    constraint.kind() == SyntaxKind::GENERATED_CONSTRAINT
        && constraint
            .descendants()
            .any(|inner| inner.kind() == SyntaxKind::VIRTUAL)
}

/// The text with blanks in place of the statements that were not read: they must not disturb the reading of the others, which stay
/// where they are.
fn readable(sql: &str, statements: &[Statement<'_>], found: &[Read]) -> String {
    let mut text = String::with_capacity(sql.len());
    for (statement, read) in statements.iter().zip(found) {
        text.push_str(sql.get(text.len()..statement.at).unwrap_or_default());
        if read.parsed {
            text.push_str(statement.text);
        } else {
            text.push_str(&" ".repeat(statement.text.len()));
        }
    }
    text
}
