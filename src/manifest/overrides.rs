//! `--set SERVICE.KEY=VALUE`.

use super::problems::Problems;
use super::suggest;
use super::table::{Field, Raw, Value};

/// The keys that a flag may give.
const KEYS: [&str; 7] = [
    "host",
    "port",
    "database",
    "role",
    "storage_dir",
    "data_dir",
    "set",
];

/// Puts the flags into the raw manifest; of two for one key the last counts. No message quotes a value.
pub(super) fn apply(raw: &mut Raw, overrides: &[String], problems: &mut Problems) {
    for text in overrides {
        if let Err((flag, message)) = apply_one(raw, text) {
            problems.misused(&flag, &message);
        }
    }
}

fn apply_one(raw: &mut Raw, text: &str) -> Result<(), (String, String)> {
    let form = "expected SERVICE.KEY=VALUE, as in --set k-indexer.port=5433";
    let Some((left, value)) = text.split_once('=') else {
        return Err(("--set".to_owned(), format!("{form}; there is no =")));
    };
    let Some((service, key)) = left.split_once('.') else {
        return Err((
            "--set".to_owned(),
            format!("{form}; there is no . before the ="),
        ));
    };
    let flag = format!("--set {service}.{key}");
    if ["password", "url", "admin_url"].contains(&key) {
        return Err((
            flag,
            format!(
                "{key} cannot be given on the command line, which every user of this machine can read; set the variable that the manifest names for it, or write it in .env"
            ),
        ));
    }
    let Some(key) = KEYS.iter().find(|known| **known == key) else {
        return Err((
            flag,
            format!("unknown key; {}", suggest::advice(key, &KEYS)),
        ));
    };
    if value.is_empty() {
        return Err((flag, "the value is empty; write one after the =".to_owned()));
    }
    let names: Vec<&str> = raw
        .services
        .iter()
        .map(|table| table.name.as_str())
        .collect();
    let advice = suggest::advice(service, &names);
    let Some(table) = raw.services.iter_mut().find(|table| table.name == service) else {
        return Err((flag, format!("unknown service; {advice}")));
    };
    match table.fields.iter_mut().find(|field| field.key == *key) {
        Some(field) => field.flag = Some(value.to_owned()),
        None => table.fields.push(Field {
            key,
            line: table.line,
            flag: Some(value.to_owned()),
            value: Value::Absent,
        }),
    }
    Ok(())
}
