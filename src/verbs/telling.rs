//! The verbs that need no server: what the manifest says, what rules and codes mean.

use dbctl::command;
use dbctl::exit::Exit;
use dbctl::manifest::Manifest;
use dbctl::render;

use super::{Stop, show};
use crate::cli::Global;

pub(super) fn services(global: &Global, manifest: &Manifest) -> Result<Exit, Stop> {
    let report = command::services::report(manifest);
    show(
        global,
        || render::services::json(&report),
        |style| render::services::table(&report, style),
    )?;
    Ok(Exit::Done)
}

pub(super) fn rules(global: &Global, id: Option<&str>) -> Result<u8, Stop> {
    let several = match id {
        None => command::rules::list(),
        Some(name) => command::rules::group(name),
    };
    match id {
        Some(id) if several.is_empty() => {
            let rule =
                command::rules::one(id).map_err(|unknown| Stop::usage(unknown.to_string()))?;
            let rules = std::slice::from_ref(&rule);
            show(
                global,
                || render::rules::json(rules),
                |_| render::rules::page(&rule),
            )?;
        }
        _ => show(
            global,
            || render::rules::json(&several),
            |style| render::rules::list(&several, style),
        )?,
    }
    Ok(Exit::Done.code())
}

pub(super) fn explain(global: &Global, topic: Option<&str>) -> Result<u8, Stop> {
    let explanations = match topic {
        None => command::explain::exit_codes(),
        Some(topic) => {
            vec![command::explain::one(topic).map_err(|unknown| Stop::usage(unknown.to_string()))?]
        }
    };
    show(
        global,
        || render::explain::json(&explanations),
        |style| render::explain::text(&explanations, style),
    )?;
    Ok(Exit::Done.code())
}
