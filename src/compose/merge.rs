//! One file over another (Docker documentation, "Merge Compose files").

use super::yaml::{Node, Tag, Value};

/// Lists that an override replaces; all others grow.
const REPLACED: [&str; 3] = ["command", "entrypoint", "test"];

/// Puts `over` on top of `base`; `key` is the name that both stand under.
pub(super) fn merge(base: Node, over: Node, key: &str) -> Node {
    if over.tag != Tag::None {
        return over;
    }
    let place = over.place.clone();
    match (base.value, over.value) {
        (Value::Map(mut entries), Value::Map(overs)) => {
            for (key, over) in overs {
                let found = entries
                    .iter()
                    .position(|(own, _)| own.name == key.name)
                    .map(|at| entries.swap_remove(at));
                if over.tag == Tag::Reset {
                    continue;
                }
                let merged = match found {
                    Some((_, base)) => merge(base, over, &key.name),
                    None => over,
                };
                entries.push((key, merged));
            }
            entries.sort_by(|(a, _), (b, _)| a.place.cmp(&b.place));
            Node::new(Value::Map(entries), base.place)
        }
        (Value::List(mut items), Value::List(overs)) if !REPLACED.contains(&key) => {
            items.extend(overs);
            Node::new(Value::List(items), base.place)
        }
        // A key that an override leaves empty is as it was; only an environment variable is then taken from outside.
        (value @ (Value::Map(_) | Value::List(_)), Value::Null) => Node::new(value, base.place),
        (_, value) => Node::new(value, place),
    }
}

/// Takes out what is marked for removal.
pub(super) fn without_reset(mut node: Node) -> Node {
    node.value = match node.value {
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .filter(|(_, node)| node.tag != Tag::Reset)
                .map(|(key, node)| (key, without_reset(node)))
                .collect(),
        ),
        Value::List(items) => Value::List(
            items
                .into_iter()
                .filter(|node| node.tag != Tag::Reset)
                .map(without_reset)
                .collect(),
        ),
        other => other,
    };
    node
}
