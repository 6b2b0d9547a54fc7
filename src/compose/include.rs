//! `include`: other files under the one that names them (Docker documentation, "Include").

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Text;
use super::load::{ComposeError, LONGEST, Loader};
use super::merge::merge;
use super::yaml::Node;

impl Loader {
    /// Puts what `include` names under the file that names it.
    pub(super) fn included(
        &mut self,
        root: Node,
        base: &Path,
        chain: &mut Vec<PathBuf>,
    ) -> Result<Node, ComposeError> {
        let Some(include) = root.get("include") else {
            return Ok(root);
        };
        let mut below: Option<Node> = None;
        for item in include.items() {
            let paths: Vec<Text> = match (item.text(), item.get("path")) {
                (Some(path), _) => vec![path.clone()],
                (None, Some(path)) => path
                    .text()
                    .into_iter()
                    .chain(path.items().iter().filter_map(Node::text))
                    .cloned()
                    .collect(),
                (None, None) => Vec::new(),
            };
            if paths.is_empty() {
                return Err(ComposeError::new(
                    item.place.clone(),
                    "include: expected the path of a file, or a map with path; correct it",
                ));
            }
            let before = (self.env.clone(), self.partly.clone());
            let mut folder: Option<PathBuf> = item
                .get("project_directory")
                .and_then(Node::text)
                .map(|text| base.join(text.shown()));
            let mut one: Option<Node> = None;
            for text in paths {
                if self.leaves(None, "include", &text, &item.place) {
                    continue;
                }
                let file: Arc<str> = text.shown().into();
                let path = base.join(file.as_ref());
                if chain.contains(&path) {
                    let what = "include: the files include each other; include a file that does not include this one";
                    self.refuses(&item.place, what);
                    continue;
                }
                if chain.len() >= LONGEST {
                    let what = format!(
                        "include: the chain is longer than {LONGEST} and was not followed to its end"
                    );
                    self.stops_at(None, &item.place, &what);
                    continue;
                }
                let folder = folder
                    .get_or_insert_with(|| path.parent().unwrap_or(base).to_path_buf())
                    .clone();
                let named = item.get("env_file");
                let mut dotenvs: Vec<PathBuf> = named
                    .into_iter()
                    .flat_map(|node| {
                        node.text()
                            .into_iter()
                            .chain(node.items().iter().filter_map(Node::text))
                    })
                    .map(|text| base.join(text.shown()))
                    .collect();
                if dotenvs.is_empty() {
                    dotenvs.push(folder.join(".env"));
                }
                for dotenv in dotenvs {
                    let set = self.dotenv(&dotenv)?;
                    self.take(set);
                }
                self.led_to.clear();
                chain.push(path.clone());
                let node = self.file(&file, &path, &folder, chain)?;
                chain.pop();
                one = Some(match one {
                    None => node,
                    Some(base) => merge(base, node, ""),
                });
            }
            (self.env, self.partly) = before;
            self.led_to.clear();
            if let Some(one) = one {
                if let Some(below) = &below {
                    self.conflicts(below, &one);
                }
                below = Some(match below {
                    None => one,
                    Some(base) => merge(base, one, ""),
                });
            }
        }
        Ok(match below {
            None => root,
            Some(below) => {
                self.conflicts(&below, &root);
                merge(below, root, "")
            }
        })
    }

    /// What two files declare that Compose does not merge, other than the same (Docker documentation, "Include": overrides).
    fn conflicts(&mut self, included: &Node, other: &Node) {
        for section in ["services", "volumes", "networks", "secrets", "configs"] {
            let entries = |node: &Node| {
                let section = node.get(section);
                section.map(Node::entries).unwrap_or_default().to_vec()
            };
            let theirs = entries(included);
            for (key, node) in entries(other) {
                let found = theirs.iter().find(|(known, _)| known.name == key.name);
                if let Some((known, _)) = found.filter(|(_, known)| !known.is_the_same(&node)) {
                    let (file, line) = (&known.place.file, known.place.line);
                    let what = format!(
                        "{section}.{} is declared in another way in {file}:{line}, and a file that is included is not overridden",
                        key.name
                    );
                    self.refuses(&key.place, &what);
                }
            }
        }
    }
}
