//! `extends`: a service on top of another (Docker documentation, "Extend your Compose file").

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{ComposeError, LONGEST, Loader};
use super::merge::merge;
use super::yaml::{Node, Value};
use super::{Place, Text, normal};

impl Loader {
    /// Resolves the `extends` of every service of one file.
    pub(super) fn all_extended(&mut self, root: Node, path: &Path) -> Result<Node, ComposeError> {
        let Node { value, place, tag } = root.clone();
        let Value::Map(mut entries) = value else {
            return Ok(root);
        };
        if let Some((_, services)) = entries.iter_mut().find(|(key, _)| key.name == "services")
            && let Value::Map(list) = &mut services.value
        {
            for (key, service) in list {
                if service.get("extends").is_some() {
                    *service =
                        self.extended(&root, path, &key.name, service.clone(), &mut Vec::new())?;
                }
            }
        }
        Ok(Node {
            value: Value::Map(entries),
            place,
            tag,
        })
    }

    fn extended(
        &mut self,
        root: &Node,
        path: &Path,
        name: &str,
        service: Node,
        chain: &mut Vec<(PathBuf, String)>,
    ) -> Result<Node, ComposeError> {
        let Some(extends) = service.get("extends").cloned() else {
            return Ok(service);
        };
        let step = (path.to_path_buf(), name.to_owned());
        if chain.contains(&step) || chain.len() >= LONGEST {
            return Err(ComposeError::new(
                extends.place,
                format!(
                    "services.{name}.extends: the chain comes back to itself, or is longer than {LONGEST}; extend a service that extends no other of this chain"
                ),
            ));
        }
        chain.push(step);
        let target = extends
            .get("service")
            .and_then(Node::text)
            .or_else(|| extends.text())
            .map(Text::shown)
            .ok_or_else(|| {
                normal::wrong(
                    name,
                    "extends",
                    "a service's name, or a map with service and file",
                    &extends,
                )
            })?;
        let missing = |place: Place| {
            ComposeError::new(
                place,
                format!(
                    "services.{name}.extends: there is no service {target:?} in that file; correct the name"
                ),
            )
        };
        let base = match extends.get("file").and_then(Node::text) {
            None => {
                let base =
                    service_of(root, &target).ok_or_else(|| missing(extends.place.clone()))?;
                self.extended(root, path, &target, base, chain)?
            }
            Some(other) if self.leaves(Some(name), "extends", other, &extends.place) => {
                return Ok(service);
            }
            Some(other) => {
                let folder = self.base_of(&extends.place);
                let file: Arc<str> = other.shown().into();
                let other = folder.join(file.as_ref());
                let base = other.parent().unwrap_or(&folder).to_path_buf();
                let root = self.document(&file, &other, &base)?;
                let base =
                    service_of(&root, &target).ok_or_else(|| missing(extends.place.clone()))?;
                self.extended(&root, &other, &target, base, chain)?
            }
        };
        Ok(merge(base, service, ""))
    }
}

fn service_of(root: &Node, name: &str) -> Option<Node> {
    root.get("services")?.get(name).cloned()
}
