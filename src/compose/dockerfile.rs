//! Init scripts that a `build` puts into the image: `COPY` and `ADD` of its Dockerfile (Docker documentation, "Dockerfile reference").

use super::Place;
use super::context::Context;
use super::path::{Store, rest_of, within};
use super::provided::read_text;
use super::scripts::FOLDER;
use super::text::Text;
use super::yaml::Node;

/// What a Dockerfile puts below the folder of the init scripts.
#[derive(Debug, Clone)]
pub struct Built {
    /// Its path in the container.
    pub target: String,
    /// Where it lies here, or why that is not known.
    pub source: Result<Store, String>,
    /// Where the `build` is written.
    pub place: Place,
}

/// What the `build` of a service puts there.
pub(super) fn built(node: &Node, context: &Context<'_>) -> Vec<Built> {
    let Some(build) = node.get("build") else {
        return Vec::new();
    };
    let one = |target: &str, source| Built {
        target: target.to_owned(),
        source,
        place: build.place.clone(),
    };
    let here = Text::known(".");
    let written = build.text().or_else(|| build.get("context")?.text());
    let folder = Store::bind(
        written.unwrap_or(&here),
        &context.base(&build.place),
        context.home(),
    );
    let text = match build.get("dockerfile_inline").and_then(Node::text) {
        Some(text) => Ok(text.raw().to_owned()),
        None => {
            let name = build.get("dockerfile").and_then(Node::text);
            let file = name.map_or("Dockerfile", Text::raw);
            match &folder.host {
                Some(host) => {
                    let path = host.join(file);
                    read_text(&path, &path.display().to_string())
                }
                None => Err("the folder of its build is not known here".to_owned()),
            }
        }
    };
    let text = match text {
        Ok(text) => text,
        Err(why) => return vec![one(FOLDER, Err(why))],
    };
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut found = Vec::new();
    for line in joined.lines() {
        let Some((sources, target, elsewhere)) = copied(line) else {
            continue;
        };
        let is_inner = within(&target, FOLDER);
        if !is_inner && !within(FOLDER, &target) {
            continue;
        }
        for source in &sources {
            if elsewhere || source.contains(['$', ':']) || source.starts_with("<<") {
                // A whole tree from elsewhere seldom has init scripts; what is put there by name is one.
                if is_inner {
                    let why = "its Dockerfile puts there what does not lie here".to_owned();
                    found.push(one(&target, Err(why)));
                }
                continue;
            }
            // Of a pattern the whole folder is read.
            let path = match source.split_once(['*', '?', '[']) {
                Some((before, _)) => before.rsplit_once('/').map_or(".", |(folder, _)| folder),
                None => source,
            };
            let mut store = folder.below(path);
            let is_file = store.host.as_ref().is_some_and(|path| path.is_file());
            let mut target = target.clone();
            if !is_inner {
                store = store.below(&rest_of(FOLDER, &target).unwrap_or_default());
                target = FOLDER.to_owned();
                if !store.host.as_ref().is_some_and(|path| path.exists()) {
                    continue;
                }
            } else if is_file && (target.ends_with('/') || target == FOLDER || sources.len() > 1) {
                let name = path.rsplit('/').next().unwrap_or(path);
                target = format!("{}/{name}", target.trim_end_matches('/'));
            }
            found.push(one(&target, Ok(store)));
        }
    }
    found
}

/// The sources and the target of a `COPY` or `ADD`, and whether the sources lie in another image.
fn copied(line: &str) -> Option<(Vec<String>, String, bool)> {
    let (instruction, rest) = line.trim().split_once(char::is_whitespace)?;
    if !["COPY", "ADD"]
        .iter()
        .any(|known| instruction.eq_ignore_ascii_case(known))
    {
        return None;
    }
    let mut rest = rest.trim();
    let mut elsewhere = false;
    while rest.starts_with("--") {
        let (flag, after) = rest.split_once(char::is_whitespace)?;
        elsewhere |= flag.starts_with("--from=");
        rest = after.trim_start();
    }
    let mut words: Vec<String> = match serde_json::from_str(rest) {
        Ok(words) => words,
        Err(_) => rest.split_whitespace().map(str::to_owned).collect(),
    };
    let target = words.pop()?;
    Some((words, target, elsewhere))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::copied;

    #[test]
    fn copies_are_taken_apart() {
        for (line, sources, target, elsewhere) in [
            ("COPY a.sql /x/", "a.sql", "/x/", false),
            ("copy --chown=1 a b /x", "a,b", "/x", false),
            ("ADD [\"a b\", \"/x\"]", "a b", "/x", false),
            ("COPY --from=base /i /x", "/i", "/x", true),
        ] {
            let (found, to, from) = copied(line).unwrap();
            assert_eq!(
                (found.join(",").as_str(), to.as_str(), from),
                (sources, target, elsewhere),
                "{line}"
            );
        }
        assert!(copied("RUN cp a b").is_none() && copied("COPY").is_none());
    }
}
