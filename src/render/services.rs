//! `dbctl services` as a table for people and as JSON.

use comfy_table::Table;

use super::Style;
use super::style::{Tone, lines, safe};
use crate::report::services::{ServiceRow, ServicesReport};

/// An overview with one row for each service, then each service's values with their sources.
#[must_use]
pub fn table(report: &ServicesReport, style: Style) -> String {
    let mut overview = style.table(&["SERVICE", "STORE", "DATABASE", "ADDRESS"]);
    for service in &report.services {
        overview.add_row([
            safe(&service.name),
            service.store.to_owned(),
            safe(service.database.as_deref().unwrap_or("-")),
            address(service, style),
        ]);
    }
    let mut text = format!(
        "{}, topology {}\n\n{}",
        safe(&report.manifest),
        report.topology,
        lines(&overview)
    );
    for service in &report.services {
        text.push_str(&format!("\n{}\n", safe(&service.name)));
        let values = values(service, style);
        if !values.is_empty() {
            text.push_str(&lines(&values));
        }
        if let Some(shared) = &service.shared {
            let note = style.paint(Tone::Bad, "shared");
            text.push_str(&format!(
                "{note} {}: {}\n",
                safe(&service.name),
                safe(shared)
            ));
        }
    }
    text
}

/// The report as one JSON document.
///
/// # Errors
/// When serde cannot write it, which its types rule out.
pub fn json(report: &ServicesReport) -> Result<String, serde_json::Error> {
    super::json_text::pretty(report)
}

fn values(service: &ServiceRow, style: Style) -> Table {
    let mut values = style.table(&[]);
    for row in &service.values {
        let source = if row.key == "password" && service.default_password {
            let text = format!("{} (a published default: change it)", row.source);
            style.paint(Tone::Warn, &text)
        } else {
            safe(&row.source)
        };
        values.add_row([format!("  {}", row.key), safe(&row.value), source]);
    }
    for row in &service.unset {
        let names = format!("environment {}", safe(&row.variables.join(" or ")));
        values.add_row([
            format!("  {}", row.key),
            style.paint(Tone::Faint, "not set"),
            names,
        ]);
    }
    // Rows bring the columns, and those their padding.
    style.pad(&mut values);
    values
}

fn address(service: &ServiceRow, style: Style) -> String {
    match (&service.address, service.configured) {
        (Some(address), _) => safe(address),
        (None, false) => style.paint(Tone::Warn, "not configured"),
        (None, true) => safe(service.data_dir.as_deref().unwrap_or("-")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::{Style, json, table};
    use crate::command::services::report;
    use crate::manifest::{Inputs, load};
    use crate::report::services::ServicesReport;

    const CANARY: &str = "Canary7Pw";

    fn example() -> ServicesReport {
        let directory = tempfile::tempdir().unwrap();
        let env = [
            ("K_SOCIAL_DB_PASSWORD", CANARY.to_owned()),
            (
                "RGB_ADMIN_URL",
                format!("postgres://postgres:{CANARY}@db/postgres"),
            ),
            (
                "SIMPLY_KASPA_DATABASE_URL",
                format!("postgres://sk:{CANARY}@db:7/simply_kaspa"),
            ),
        ];
        let inputs = Inputs {
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            directory: directory.path().to_path_buf(),
            ..Inputs::default()
        };
        report(&load(&inputs).unwrap())
    }

    #[test]
    fn the_table_shows_every_value_and_its_source_in_80_columns() {
        let text = table(
            &example(),
            Style {
                width: Some(80),
                ..Style::default()
            },
        );
        assert!(!text.contains(CANARY) && !text.contains('\u{1b}'));
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        insta::assert_snapshot!(table(&example(), Style::default()), @r"
        the built-in manifest, topology any

        SERVICE               STORE        DATABASE            ADDRESS
        k-indexer             timescaledb  ksocial             localhost:5433
        simply-kaspa-indexer  timescaledb  simply_kaspa        db:7
        kasia-indexer         files        -                   not configured
        rgb-lightning-node    postgres     rgb_lightning_node  not configured

        k-indexer
          set        k_social       built in
          database   ksocial        built in
          role       k_social_user  built in
          host       localhost      built in
          port       5433           default
          password   ***            environment K_SOCIAL_DB_PASSWORD
          container  k-social-db    built in
          url        not set        environment K_SOCIAL_DATABASE_URL
          admin_url  not set        environment K_SOCIAL_ADMIN_URL

        simply-kaspa-indexer
          set        simply_kaspa                       built in
          database   simply_kaspa                       built in
          role       simply_kaspa_user                  built in
          url        postgresql://sk@db:7/simply_kaspa  environment SIMPLY_KASPA_DATABASE_URL
          container  simply-kaspa-db                    built in
          admin_url  not set                            environment SIMPLY_KASPA_ADMIN_URL

        kasia-indexer
          data_dir  not set  environment KASIA_DATA_DIR

        rgb-lightning-node
          set          rgb_users                               built in
          database     rgb_lightning_node                      built in
          admin_url    postgresql://postgres@db:5432/postgres  environment RGB_ADMIN_URL
          url          not set                                 environment RGB_DATABASE_URL or DATABASE_URL
          storage_dir  not set                                 environment RGB_STORAGE_DIR
        ");
        assert!(
            table(
                &example(),
                Style {
                    color: true,
                    ..Style::default()
                }
            )
            .contains("\u{1b}[2mnot set")
        );
    }

    #[test]
    fn the_json_is_version_1_and_masked() {
        let text = json(&example()).unwrap();
        assert!(!text.contains(CANARY));
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["version"], 1);
        let services = &value["services"];
        assert_eq!(services[0]["address"], "localhost:5433");
        assert_eq!(services[0]["values"][5]["key"], "password");
        assert_eq!(services[0]["values"][5]["value"], "***");
        assert_eq!(services[1]["url"], "postgresql://sk@db:7/simply_kaspa");
        assert_eq!(services[2]["configured"], false);
        assert_eq!(services[3]["configured"], false);
        assert_eq!(
            services[3]["admin"],
            "postgresql://postgres@db:5432/postgres"
        );
        assert_eq!(services[3]["unset"][0]["variables"][1], "DATABASE_URL");
    }
}
