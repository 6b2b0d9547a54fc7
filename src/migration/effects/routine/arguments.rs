//! The types that tell a function from others of its name.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::migration::effects::names;

/// What a function takes, as a statement writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The types that tell it from others of its name: all but those that it only gives.
    pub taken: Vec<TypeName>,
    /// All types, also those that it only gives: a procedure may be called by these.
    pub all: Vec<TypeName>,
}

/// The name of a type, with the server's own name for it where it has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName {
    /// Its schema, if it is given and not the server's.
    schema: Option<String>,
    /// Its name; `None` where the text does not tell it: `table.column%TYPE`.
    name: Option<String>,
    /// Whether it is an array of them.
    array: bool,
}

/// The arguments of a function or of a reference to one; `None` where none are written.
pub(super) fn arguments(node: &SyntaxNode) -> Option<Arguments> {
    use SyntaxKind as K;
    let list = node
        .children()
        .find(|child| child.kind() == K::PARAM_LIST)?;
    let mut arguments = Arguments::default();
    for parameter in list.children().filter(|child| child.kind() == K::PARAM) {
        let given = parameter.children().find_map(|child| type_name(&child));
        // What is no type that is known is still an argument.
        let given = given.unwrap_or(TypeName {
            schema: None,
            name: None,
            array: false,
        });
        arguments.all.push(given.clone());
        if !parameter
            .children()
            .any(|child| child.kind() == K::PARAM_OUT)
        {
            arguments.taken.push(given);
        }
    }
    Some(arguments)
}

impl Arguments {
    /// Whether two functions of one name are the same; `None` where the text does not tell.
    #[must_use]
    pub fn same(&self, other: &Self, procedure: bool) -> Option<bool> {
        let taken = same(&self.taken, &other.taken);
        match procedure && taken == Some(false) {
            true => same(&self.all, &other.all),
            false => taken,
        }
    }
}

fn same(left: &[TypeName], right: &[TypeName]) -> Option<bool> {
    if left.len() != right.len() {
        return Some(false);
    }
    let pairs = || left.iter().zip(right).map(|(left, right)| left.same(right));
    if pairs().any(|same| same == Some(false)) {
        return Some(false);
    }
    pairs().all(|same| same == Some(true)).then_some(true)
}

impl TypeName {
    /// Whether two names stand for one type; `None` where the text does not tell.
    fn same(&self, other: &Self) -> Option<bool> {
        let (Some(left), Some(right)) = (&self.name, &other.name) else {
            return None;
        };
        if left != right || self.array != other.array {
            return Some(false);
        }
        match (&self.schema, &other.schema) {
            (Some(left), Some(right)) => Some(left == right),
            (None, None) => Some(true),
            // Without a schema it is the first in the search path, which begins with public.
            (Some(schema), None) | (None, Some(schema)) => (schema == "public").then_some(true),
        }
    }
}

/// The type that a node names, if it is one.
fn type_name(node: &SyntaxNode) -> Option<TypeName> {
    use SyntaxKind as K;
    let has = |word: K| {
        node.children_with_tokens()
            .any(|child| child.kind() == word)
    };
    let of_server = |name: &str| {
        Some(TypeName {
            schema: None,
            name: Some(name.to_owned()),
            array: false,
        })
    };
    let zone = |plain: &str, zoned: &str| {
        let with = node
            .descendants_with_tokens()
            .any(|inner| inner.kind() == K::WITH_KW);
        of_server(if with { zoned } else { plain })
    };
    match node.kind() {
        K::ARRAY_TYPE => {
            let element = node.children().find_map(|child| type_name(&child))?;
            Some(TypeName {
                array: true,
                ..element
            })
        }
        K::PATH_TYPE => Some(path_type(node)?),
        K::PERCENT_TYPE => Some(TypeName {
            schema: None,
            name: None,
            array: false,
        }),
        K::VARCHAR_TYPE => of_server("varchar"),
        K::CHARACTER_TYPE => of_server(if has(K::VARYING_KW) {
            "varchar"
        } else {
            "bpchar"
        }),
        K::BIT_TYPE => of_server("bit"),
        K::BIT_VARYING_TYPE => of_server("varbit"),
        K::DOUBLE_TYPE => of_server("float8"),
        K::TIME_TYPE => zone("time", "timetz"),
        K::TIMESTAMP_TYPE => zone("timestamp", "timestamptz"),
        K::INTERVAL_TYPE => of_server("interval"),
        _ => None,
    }
}

fn path_type(node: &SyntaxNode) -> Option<TypeName> {
    let path = names::path(node)?;
    let written = node.text().to_string();
    let quoted = written.trim_start().starts_with('"');
    let schema = path.schema.filter(|schema| schema != "pg_catalog");
    let plain = !written.contains('.') && !quoted;
    let name = match plain {
        true => server_name(&path.name, &written).to_owned(),
        false => path.name,
    };
    Some(TypeName {
        schema,
        name: Some(name),
        array: false,
    })
}

/// The server's name for a type that SQL has other words for (PostgreSQL documentation, "Data Types").
fn server_name<'a>(name: &'a str, written: &str) -> &'a str {
    match name {
        "int" | "integer" => "int4",
        "smallint" => "int2",
        "bigint" => "int8",
        "real" => "float4",
        "float" => {
            let digits = written.chars().filter(char::is_ascii_digit);
            match digits.collect::<String>().parse::<u32>() {
                Ok(bits) if bits <= 24 => "float4",
                _ => "float8",
            }
        }
        "boolean" => "bool",
        "decimal" | "dec" => "numeric",
        "char" | "character" | "nchar" => "bpchar",
        name => name,
    }
}
