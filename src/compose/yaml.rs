//! YAML with places: parsed by saphyr, with anchors, merge keys and tags resolved within bounds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::Place;
use super::load::ComposeError;
use super::text::{CLOSE, OPEN, Text};

/// How deep lists and maps may be nested.
const DEEPEST: usize = 100;
/// How many values a file may have once its aliases are written out.
const MOST: usize = 50_000;

/// A value of a document.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
    pub(super) tag: Tag,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Scalar(Text),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) place: Place,
}

/// What an override says about what it overrides (Docker documentation, "Merge").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    None,
    /// `!reset`: the value goes away.
    Reset,
    /// `!override`: the value is replaced, not merged.
    Override,
}

impl Node {
    /// Whether two nodes say the same, wherever they stand.
    pub(super) fn is_the_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Map(one), Value::Map(other)) => {
                one.len() == other.len()
                    && one.iter().all(|(key, node)| {
                        let mut others = other.iter();
                        others
                            .any(|(other, value)| other.name == key.name && node.is_the_same(value))
                    })
            }
            (Value::List(one), Value::List(other)) => {
                one.len() == other.len()
                    && one
                        .iter()
                        .zip(other)
                        .all(|(one, other)| one.is_the_same(other))
            }
            (Value::Scalar(one), Value::Scalar(other)) => one.raw() == other.raw(),
            (Value::Null, Value::Null) => true,
            // `back:` and `back: {}` declare the same.
            (Value::Null, Value::Map(entries)) | (Value::Map(entries), Value::Null) => {
                entries.is_empty()
            }
            _ => false,
        }
    }

    pub(super) const fn new(value: Value, place: Place) -> Self {
        Self {
            value,
            place,
            tag: Tag::None,
        }
    }

    /// The value of this key of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(name, _)| name.name == key)
            .map(|(_, node)| node)
    }

    /// The entries of a map; none of anything else.
    pub(super) fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar.
    pub(super) const fn text(&self) -> Option<&Text> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Whether the value is YAML's `true`.
    pub(super) fn is_true(&self) -> bool {
        self.is_one_of(&["true", "yes", "on"])
    }

    /// Whether the value is YAML's `false`.
    pub(super) fn is_false(&self) -> bool {
        self.is_one_of(&["false", "no", "off"])
    }

    /// Whether it is one of these words, in whatever case.
    fn is_one_of(&self, words: &[&str]) -> bool {
        self.text()
            .and_then(Text::get)
            .is_some_and(|text| words.contains(&text.to_ascii_lowercase().as_str()))
    }

    /// What it is, in words.
    pub(super) const fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Null | Value::Scalar(_) => 0,
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|(_, node)| node.size()).sum(),
        }
    }
}

/// A list or map in the making.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Key>,
    /// The keys so far: looking through the map for each would take its square.
    seen: HashSet<String>,
    /// What `<<` brings: keys of the map itself win.
    merged: Vec<Node>,
}

/// Reads all documents of a file, each merged over those before it by the caller. Scalars are as they are written.
///
/// # Errors
/// Where the file is not YAML, is nested too deeply, or grows too large by its aliases. It never quotes the file.
pub(super) fn parse(file: &Arc<str>, text: &str) -> Result<Vec<Node>, ComposeError> {
    let mut builder = Builder {
        file,
        documents: Vec::new(),
        stack: Vec::new(),
        anchors: HashMap::new(),
        size: 0,
    };
    if let Some(line) = text.lines().position(|line| line.contains([OPEN, CLOSE])) {
        return Err(ComposeError::new(
            builder.place(line + 1, 1),
            "a character of a private plane (U+F0000 or U+F0001) is in this line; take it out",
        ));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.take(event, span)?,
            Err(error) => {
                let marker = error.marker();
                return Err(ComposeError::new(
                    builder.place(marker.line(), marker.col() + 1),
                    format!("not YAML: {}; correct the syntax", error.info()),
                ));
            }
        }
    }
    Ok(builder.documents)
}

struct Builder<'a> {
    file: &'a Arc<str>,
    documents: Vec<Node>,
    stack: Vec<Open>,
    anchors: HashMap<usize, (Node, usize)>,
    size: usize,
}

impl Builder<'_> {
    fn place(&self, line: usize, column: usize) -> Place {
        Place {
            file: Arc::clone(self.file),
            line,
            column,
        }
    }

    fn grow(&mut self, by: usize, place: &Place) -> Result<(), ComposeError> {
        self.size += by;
        if self.size > MOST {
            return Err(ComposeError::new(
                place.clone(),
                format!("more than {MOST} values once aliases are written out; use fewer aliases"),
            ));
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ComposeError> {
        let place = self.place(span.start.line(), span.start.col() + 1);
        let (value, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                // saphyr sets an empty value where the next token begins. What is written behind `!reset` does not count.
                let null = style == ScalarStyle::Plain
                    && tag.is_none()
                    && ["", "~", "null", "Null", "NULL"].contains(&text.as_ref())
                    || tag.as_deref().is_some_and(|tag| tag.suffix == "reset");
                let value = if null {
                    Value::Null
                } else {
                    Value::Scalar(Text::known(text.into_owned()))
                };
                (value, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => (Value::List(Vec::new()), anchor, tag),
            Event::MappingStart(anchor, tag) => (Value::Map(Vec::new()), anchor, tag),
            Event::SequenceEnd | Event::MappingEnd => return self.close(),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(ComposeError::new(
                        place,
                        "an alias names an anchor that is not there, or that it stands in; expected one defined above",
                    ));
                };
                self.grow(size, &place)?;
                return self.add(node, 0);
            }
            _ => return Ok(()),
        };
        self.grow(1, &place)?;
        let tag = match tag.as_deref().map(|tag| tag.suffix.as_str()) {
            Some("reset") => Tag::Reset,
            Some("override") => Tag::Override,
            _ => Tag::None,
        };
        let node = Node { value, place, tag };
        if matches!(node.value, Value::List(_) | Value::Map(_)) {
            if self.stack.len() >= DEEPEST {
                return Err(ComposeError::new(
                    node.place,
                    format!("lists and maps are nested more than {DEEPEST} deep"),
                ));
            }
            self.stack.push(Open {
                node,
                anchor,
                key: None,
                seen: HashSet::new(),
                merged: Vec::new(),
            });
            return Ok(());
        }
        self.add(node, anchor)
    }

    /// The innermost list or map is complete.
    fn close(&mut self) -> Result<(), ComposeError> {
        let Some(mut open) = self.stack.pop() else {
            return Ok(());
        };
        if let Value::Map(entries) = &mut open.node.value {
            for (key, node) in open
                .merged
                .iter()
                .flat_map(|merged| merged.entries().to_vec())
            {
                if open.seen.insert(key.name.clone()) {
                    entries.push((key, node));
                }
            }
        }
        if open.node.tag == Tag::Reset {
            open.node.value = Value::Null;
        }
        self.add(open.node, open.anchor)
    }

    /// A value is complete: it goes to the list or map that it stands in.
    fn add(&mut self, node: Node, anchor: usize) -> Result<(), ComposeError> {
        if anchor != 0 {
            let size = node.size();
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.stack.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => match open.key.take() {
                None => {
                    let name = match &node.value {
                        Value::Scalar(text) => text.raw().to_owned(),
                        Value::Null => "null".to_owned(),
                        Value::List(_) | Value::Map(_) => {
                            return Err(ComposeError::new(
                                node.place,
                                "a key is a list or a map; expected a name",
                            ));
                        }
                    };
                    if name != "<<" && !open.seen.insert(name.clone()) {
                        let mut keys = entries.iter().map(|(key, _)| key);
                        let line = keys
                            .find(|key| key.name == name)
                            .map_or(0, |key| key.place.line);
                        return Err(ComposeError::new(
                            node.place,
                            format!(
                                "this key is there already, in line {line}; remove one of the two"
                            ),
                        ));
                    }
                    open.key = Some(Key {
                        name,
                        place: node.place,
                    });
                }
                Some(key) if key.name == "<<" => match node.value {
                    Value::Map(_) => open.merged.push(node),
                    Value::List(items) => open.merged.extend(items),
                    Value::Null => {}
                    Value::Scalar(_) => {
                        return Err(ComposeError::new(
                            key.place,
                            "<< brings a text; expected a map or a list of maps",
                        ));
                    }
                },
                Some(key) => entries.push((key, node)),
            },
            Value::Null | Value::Scalar(_) => {}
        }
        Ok(())
    }
}
