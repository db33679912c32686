//! Reads the members of a JSON object, and says what is wrong with them.

use std::fmt;

use serde_json::{Map, Value};

/// As many characters of an unknown type are repeated to its sender.
const SHOWN: usize = 40;

/// Why bytes are not a message. Its `Display` is what their sender is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Malformed {
    /// More bytes than the bound allows.
    TooLong {
        /// The bound.
        max_message: usize,
    },
    /// JSON, perhaps, but no object; or nothing like JSON.
    NotAnObject,
    /// Not UTF-8.
    NotUtf8 {
        /// How many bytes before the first wrong one.
        at: usize,
    },
    /// Arrays or objects in one another beyond what the parser follows.
    TooDeep,
    /// Not JSON.
    NotJson {
        /// The parser's words for what it met, and where.
        reason: String,
    },
    /// Of a type that the protocol does not have, or not in this direction.
    UnknownType(String),
    /// Without a field that it needs.
    Missing(&'static str),
    /// With a field of another kind than the protocol has there.
    Wrong {
        /// The field.
        field: &'static str,
        /// What it should be: `a string`.
        expected: &'static str,
        /// What it is: `a number`.
        found: &'static str,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::TooLong { max_message } => {
                write!(f, "too long: a message has at most {max_message} bytes")
            }
            Self::NotAnObject => {
                f.write_str("not a message: a message is a JSON object, {\"type\": ...}")
            }
            Self::NotUtf8 { at } => {
                write!(f, "not UTF-8: what follows byte {at} of the message is no character")
            }
            Self::TooDeep => f.write_str("nested too deeply"),
            Self::NotJson { reason } => write!(f, "not JSON: {reason}"),
            Self::UnknownType(name) => {
                let shown: String = name.chars().take(SHOWN).collect();
                let cut = if shown.len() < name.len() { "..." } else { "" };
                // As Rust quotes it: what a terminal would obey is escaped.
                write!(f, "unknown type {shown:?}{cut}")
            }
            Self::Missing(field) => write!(f, "field `{field}` is missing"),
            Self::Wrong { field, expected, found } => {
                write!(f, "field `{field}` must be {expected}, and is {found}")
            }
        }
    }
}

impl std::error::Error for Malformed {}

/// The members of one object. A member that is `null` counts as missing: some languages write it so.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Parses the bytes of one object. Of two members with one name, the last counts.
    pub(super) fn parse(object: &[u8]) -> Result<Self, Malformed> {
        let text = str::from_utf8(object)
            .map_err(|error| Malformed::NotUtf8 { at: error.valid_up_to() })?;
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(Malformed::NotAnObject),
            Err(error) => Err(not_json(&error)),
        }
    }

    /// The `type`, which says what the other fields are.
    pub(super) fn kind(&mut self) -> Result<String, Malformed> {
        self.required_text("type")
    }

    pub(super) fn required_text(&mut self, field: &'static str) -> Result<String, Malformed> {
        self.text(field)?.ok_or(Malformed::Missing(field))
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<Option<String>, Malformed> {
        self.take(field, "a string", |value| match value {
            Value::String(text) => Ok(text),
            other => Err(other),
        })
    }

    pub(super) fn flag(&mut self, field: &'static str) -> Result<Option<bool>, Malformed> {
        self.take(field, "true or false", |value| value.as_bool().ok_or(value))
    }

    pub(super) fn number(&mut self, field: &'static str) -> Result<Option<f64>, Malformed> {
        self.take(field, "a number", |value| value.as_f64().ok_or(value))
    }

    /// Takes `field` out as what `convert` makes of it; `convert` gives back what is not as `expected`.
    fn take<T>(
        &mut self,
        field: &'static str,
        expected: &'static str,
        convert: impl FnOnce(Value) -> Result<T, Value>,
    ) -> Result<Option<T>, Malformed> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => convert(value).map(Some).map_err(|value| Malformed::Wrong {
                field,
                expected,
                found: kind_of(&value),
            }),
        }
    }
}

fn not_json(error: &serde_json::Error) -> Malformed {
    let reason = error.to_string();
    // The parser has no other way to tell this from an error of syntax.
    if reason.starts_with("recursion limit exceeded") {
        return Malformed::TooDeep;
    }
    Malformed::NotJson { reason }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
