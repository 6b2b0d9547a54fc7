//! `extends`: a service on top of another (Docker documentation, "Extend your Compose file").

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::load::{ComposeError, LONGEST, Loader};
use super::merge::merge;
use super::refused::shown;
use super::yaml::{Node, Value};
use super::{Text, normal};

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
        if self.circles.contains(&step) {
            return Ok(service);
        }
        if let Some(begin) = chain.iter().position(|before| *before == step) {
            let names: Vec<&str> = (chain.iter().skip(begin))
                .map(|(_, name)| shown(name))
                .chain([shown(name)])
                .collect();
            let what = format!(
                "services.{}.extends: services extend each other: {}; extend a service that extends none of these",
                shown(name),
                names.join(" -> ")
            );
            self.circles.extend(chain.iter().skip(begin).cloned());
            self.refuses(&extends.place, &what);
            return Ok(service);
        }
        if chain.len() >= LONGEST {
            let what = format!(
                "services.{}.extends: the chain is longer than {LONGEST} and was not followed to its end",
                shown(name)
            );
            self.stops_at(None, &extends.place, &what);
            return Ok(service);
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
        let base = match extends.get("file").and_then(Node::text) {
            None => match service_of(root, &target) {
                Some(base) => self.extended(root, path, &target, base, chain)?,
                None => return Ok(self.without_base(name, &target, &extends, service)),
            },
            Some(other) if self.leaves(Some(name), "extends", other, &extends.place) => {
                return Ok(service);
            }
            Some(other) => {
                let folder = self.base_of(&extends.place);
                let file: Arc<str> = other.shown().into();
                let other = folder.join(file.as_ref());
                let root = self.led_to(&file, &other, &folder)?;
                match service_of(&root, &target) {
                    Some(base) => self.extended(&root, &other, &target, base, chain)?,
                    None => return Ok(self.without_base(name, &target, &extends, service)),
                }
            }
        };
        Ok(merge(base, service, ""))
    }

    /// A service that extends one that is not there.
    fn without_base(&mut self, name: &str, target: &str, extends: &Node, service: Node) -> Node {
        let what = format!(
            "services.{}.extends: there is no service {} in that file; correct the name",
            shown(name),
            shown(target)
        );
        self.refuses(&extends.place, &what);
        service
    }

    /// The file that an `extends` names, read once for all that name it.
    fn led_to(
        &mut self,
        file: &Arc<str>,
        path: &Path,
        folder: &Path,
    ) -> Result<Arc<Node>, ComposeError> {
        let key = (Arc::clone(file), path.to_path_buf());
        if let Some(root) = self.led_to.get(&key) {
            return Ok(Arc::clone(root));
        }
        let base = path.parent().unwrap_or(folder).to_path_buf();
        let root = Arc::new(self.document(file, path, &base)?);
        self.led_to.insert(key, Arc::clone(&root));
        Ok(root)
    }
}

fn service_of(root: &Node, name: &str) -> Option<Node> {
    root.get("services")?.get(name).cloned()
}
